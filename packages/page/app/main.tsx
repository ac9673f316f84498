import { render, type VNode } from 'preact'
import { embeddedPage } from './embedded-page.ts'
import { Failure } from './failure.tsx'
import { Run, titleOf } from './run.tsx'
import { Served } from './served.tsx'

async function start(): Promise<void> {
  const place = document.getElementById('page')
  if (place === null) return
  const content = await contentOf(document, place)
  place.replaceChildren()
  render(content, place)
  requestAnimationFrame(() => {
    performance.mark('shown')
  })
}

/** A report contains its data. Without them, the page asks the server that it came from. */
async function contentOf(document: Document, { dataset }: HTMLElement): Promise<VNode> {
  const { shows, write } = dataset
  if (shows !== undefined)
    return <Served shows={shows === 'runs' ? 'runs' : 'run'} write={write !== undefined} />
  try {
    const page = await embeddedPage(document)
    document.title = titleOf(page)
    return <Run page={page} />
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    return <Failure title="This report cannot be shown" message={message} />
  }
}

await start()
