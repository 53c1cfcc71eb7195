import { PassThrough } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { passWholeLines } from '../../src/workers/whole-lines.ts'

async function passed(chunks: readonly (string | Buffer)[]): Promise<string[]> {
  const stream = new PassThrough()
  const written: string[] = []
  passWholeLines(stream, (lines) => written.push(lines))
  for (const chunk of chunks) stream.write(chunk)
  stream.end()
  await new Promise((resolve) => stream.once('end', resolve))
  return written
}

describe('lines of another process', () => {
  it('arrive whole, however they were cut', async () => {
    const written = await passed(['{"a":', '1}\n{"b":2}\n{"c"', ':3}\n'])
    expect(written.join('')).toBe('{"a":1}\n{"b":2}\n{"c":3}\n')
    for (const piece of written) expect(piece.endsWith('\n')).toBe(true)
  })

  it('keep their characters where a chunk ends inside of one, and the last one gets its end', async () => {
    const bytes = Buffer.from('grün')
    expect((await passed([bytes.subarray(0, 3), bytes.subarray(3)])).join('')).toBe('grün\n')
  })
})
