import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ExportFormatError, exportLines } from '../../src/audit/export-lines.ts'
import { MAX_EXPORT_LINE_BYTES } from '../../src/limits.ts'

async function linesOf(file: string | Uint8Array, size = 1_000_000): Promise<string[]> {
  const bytes = typeof file === 'string' ? Buffer.from(file) : file
  const chunks = async function* () {
    for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
  }
  const lines: string[] = []
  for await (const { line, text } of exportLines(chunks())) lines.push(`${line} ${text}`)
  return lines
}

describe('an export', () => {
  it.each([1, 2, 3, 100])('is read line by line, in chunks of %i bytes, as lines and as a list', async (size) => {
    expect(await linesOf('{"ä":1}\n{}\n', size)).toEqual(['1 {"ä":1}', '2 {}'])
    expect(await linesOf('[\n{"ä":1},\n{}\n]\n', size)).toEqual(['2 {"ä":1}', '3 {}'])
    expect(await linesOf('[\n]\n', size)).toEqual([])
    expect(await linesOf('', size)).toEqual([])
  })

  it.each([
    ['{}\n{}', 2, 'the file ends within this line'],
    ['{}\n\n{}\n', 2, 'the line is empty'],
    ['{}\n\n', 2, 'the line is empty'],
    ['[\n{}\n{}\n]\n', 3, 'the list should end here'],
    ['[\n{},\n', 3, 'the file ends within its list'],
    ['[\n{}\n', 3, 'the file ends within its list'],
    ['[\n', 2, 'the file ends within its list'],
    ['[\n{}\n]\n{}\n', 4, 'the list has ended before this line'],
  ])('%j is broken at line %i: %s', async (file, line, why) => {
    await expect(linesOf(file)).rejects.toMatchObject({ line, message: why })
  })

  it('that is cut within its list is broken, behind whichever byte', async () => {
    const file = Buffer.from('[\n{},\n{}\n]\n')
    for (let length = 1; length < file.length; length++) {
      await expect(linesOf(file.subarray(0, length)), String(length)).rejects.toThrow(ExportFormatError)
    }
  })

  it('that is no UTF-8 has a line that nothing was exported as, and a byte order mark stays in sight', async () => {
    expect(await linesOf(Buffer.from([0x7b, 0xff, 0x7d, 0x0a]))).toEqual(['1 \u0000'])
    expect(await linesOf('\ufeff{}\n')).toEqual(['1 \ufeff{}'])
  })

  it('with a line longer than any that is exported is read no further', async () => {
    await expect(linesOf(Buffer.alloc(MAX_EXPORT_LINE_BYTES + 2, 0x20))).rejects.toThrow('the file ends within this line')
  })

  it('lets only its own error out, whatever the bytes', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 60 }), fc.integer({ min: 1, max: 7 }), async (bytes, size) => {
        const outcome = await linesOf(bytes, size).catch((fault: unknown) => fault)
        expect(Array.isArray(outcome) || outcome instanceof ExportFormatError).toBe(true)
      }),
    )
  })
})
