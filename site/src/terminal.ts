/** Draws the output of a program as an SVG of a terminal, whose lines appear one after the other. */
export function terminalSvg(command: string, output: string): string {
  const lines = [`\u001b[1m$ ${command}\u001b[22m`, ...output.trimEnd().split('\n')]
  const height = (lines.length + 2) * lineHeight
  const text = lines.map((line, index) => lineSvg(line, index)).join('\n')
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img" aria-label="Output of ${escaped(command)}">
<style>
text { font: 13px ui-monospace, Menlo, Consolas, monospace; fill: #d6deeb; white-space: pre; }
.bold { font-weight: bold; fill: #fff } .dim { fill: #7a8699 } .red { fill: #ff6b6b } .green { fill: #5fd38d }
@media (prefers-reduced-motion: no-preference) { text { opacity: 0; animation: appear 0.01s forwards } }
@keyframes appear { to { opacity: 1 } }
</style>
<rect width="100%" height="100%" rx="8" fill="#10151f"/>
${text}
</svg>
`
}

const [width, lineHeight, secondsOfLine] = [900, 19, 0.35]

const classOf: Readonly<Record<string, string | undefined>> = {
  '1': 'bold',
  '2': 'dim',
  '31': 'red',
  '32': 'green',
}

function lineSvg(line: string, index: number): string {
  // Each part of a line after an escape sequence has the style that the sequence sets.
  const parts = line.split('\u001b[').map((part, place) => {
    const [, code = '', rest = part] = place === 0 ? [] : (/^(\d+)m(.*)$/s.exec(part) ?? [])
    return rest === '' ? '' : `<tspan class="${classOf[code] ?? ''}">${escaped(rest)}</tspan>`
  })
  const delay = (index * secondsOfLine).toFixed(2)
  return `<text x="16" y="${(index + 1.7) * lineHeight}" style="animation-delay:${delay}s">${parts.join('')}</text>`
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;')
}
