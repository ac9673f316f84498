import { existsSync, globSync } from 'node:fs'
import { basename, join } from 'node:path'
import { expect, test } from 'vitest'
import { root } from '../parts/checkout.ts'
import { excludedFiles, excludedProjects, projects } from '../parts/windows-tests.ts'

test('every test project is meant to run on Windows, or has a reason not to', () => {
  const folders = globSync(['{packages,examples}/*/test', 'tests/*', 'bench', 'site', 'scripts'], {
    cwd: root,
  })
  const names = folders
    .map((folder) => folder.replace(/[\\/]test$/, ''))
    .filter((folder) => existsSync(join(root, folder, 'test')))
    .map((folder) => basename(folder))
  expect([...projects, ...Object.keys(excludedProjects)].toSorted()).toEqual(names.toSorted())
})

test('every test file that Windows does not run exists, in a project that runs there', () => {
  for (const file of Object.keys(excludedFiles)) {
    expect(existsSync(join(root, file)), file).toBe(true)
    expect(projects, file).toContain(file.split('/')[1])
  }
})
