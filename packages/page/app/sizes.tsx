import type { RunPage } from '../src/run-page.ts'
import { formatSize, shortened } from './text.ts'

/** How many bytes are kept for each reason. */
export function Sizes({ page }: { readonly page: RunPage }) {
  const { reasons } = page
  const most = Math.max(...reasons.map(({ bytes }) => bytes), 1)
  return (
    <section aria-labelledby="sizes">
      <h2 id="sizes">Size by reason</h2>
      <p class="muted">A checkpoint with several reasons counts for each of them.</p>
      <div class="scroll" role="region" aria-label="Table of sizes" tabIndex={0}>
        <table>
          <thead>
            <tr>
              <th scope="col" class="text">
                Reason
              </th>
              <th scope="col">Checkpoints</th>
              <th scope="col">Size</th>
              <th scope="col">Only because of it</th>
              <th scope="col">
                <span class="hidden">Share</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {reasons.map(({ reason, checkpoints, bytes, bytesAlone }) => (
              <tr key={reason}>
                <th scope="row" class="text">
                  <bdi>{shortened(reason, 80)}</bdi>
                </th>
                <td>{checkpoints}</td>
                <td>{formatSize(bytes)}</td>
                <td>{formatSize(bytesAlone)}</td>
                <td class="bar">
                  <meter aria-label={`share of ${shortened(reason, 80)}`} min={0} max={most} value={bytes} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  )
}
