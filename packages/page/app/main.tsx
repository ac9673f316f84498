import { render, type VNode } from 'preact'
import { embeddedPage } from './data.ts'
import { Live } from './live.tsx'
import { Failure, Run, titleOf } from './run.tsx'

async function start(): Promise<void> {
  const place = document.getElementById('page')
  if (place === null) return
  const content = await contentOf(document)
  place.replaceChildren()
  render(content, place)
  requestAnimationFrame(() => {
    performance.mark('shown')
  })
}

/** A report contains its data. Without them, the page asks the server that it came from. */
async function contentOf(document: Document): Promise<VNode> {
  if (document.getElementById('data') === null) return <Live token={location.hash.slice(1)} />
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
