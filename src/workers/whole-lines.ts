/** Lines of several processes in one stream: each arrives whole. */
import type { Readable } from 'node:stream'

/** Passes on what the stream holds, never a part of a line but at its end. */
export function passWholeLines(stream: Readable, write: (lines: string) => void): void {
  let rest = ''
  stream.setEncoding('utf8')
  stream.on('data', (text: string) => {
    const end = text.lastIndexOf('\n') + 1
    if (end > 0) write(rest + text.slice(0, end))
    rest = end > 0 ? text.slice(end) : rest + text
  })
  stream.on('end', () => {
    if (rest !== '') write(`${rest}\n`)
  })
}
