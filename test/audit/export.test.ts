import { describe, expect, it } from 'vitest'
import { EMPTY_CHAIN, link, verifyChain } from '../../src/audit/chain.ts'
import { exportCsv, exportJsonl, readJsonl } from '../../src/audit/export.ts'
import { ReceiptFormatError } from '../../src/audit/parse.ts'
import { body, chainOf } from './receipt-fixture.ts'

const chain = chainOf(3)

describe('JSON lines', () => {
  it('read back verify as they were written, in any chunks', async () => {
    const text = (await collect(exportJsonl(chain))).join('')
    const bytes = new TextEncoder().encode(text)
    for (const size of [1, 7, 10_000]) {
      const chunks = Array.from({ length: Math.ceil(bytes.length / size) }, (_, index) => bytes.subarray(index * size, (index + 1) * size))
      const receipts = await collect(readJsonl(toAsync(chunks)))
      expect(receipts).toEqual(chain)
      expect(verifyChain(receipts).ok).toBe(true)
    }
  })

  it('name the line that is no receipt', async () => {
    const text = `${(await collect(exportJsonl(chain))).join('')}\n{"id":1}\n`
    await expect(collect(readJsonl([text]))).rejects.toThrow('line 5: not a receipt')
  })

  it('must be UTF-8, to the end', async () => {
    await expect(collect(readJsonl(toAsync([new Uint8Array([0xff, 0x0a])])))).rejects.toThrow(ReceiptFormatError)
    await expect(collect(readJsonl(toAsync([new Uint8Array([0x0a, 0xc3])])))).rejects.toThrow(ReceiptFormatError)
  })
})

describe('CSV', () => {
  const lineOf = async (changes: Parameters<typeof body>[0]) => {
    const [header = '', line = ''] = await collect(exportCsv([link(EMPTY_CHAIN, body(changes)).receipt]))
    return { names: header.trim().split(','), line }
  }

  it('has a header and a line for each receipt, each ended by CRLF', async () => {
    const lines = await collect(exportCsv(chain))
    expect(lines).toHaveLength(4)
    expect(lines.every((line) => line.endsWith('\r\n'))).toBe(true)
    expect(lines[0]).toMatch(/^id,kind,number,at,session_id,/)
    expect(lines[1]).toContain('rcp_ses_1_1,conclusion,1,')
  })

  it('quotes what would break a line or a cell', async () => {
    const { line } = await lineOf({ justification: 'a "quoted", and\nbroken line' })
    expect(line).toContain(',"a ""quoted"", and\nbroken line",')
  })

  it.each(['=1+1', '+1', '-1', '@SUM(A1)', '\tx'])('makes no formula of %j', async (text) => {
    const { line } = await lineOf({ tool: text })
    expect(line).toContain(`,'${text},`)
  })

  it('leaves absent things empty', async () => {
    const { names, line } = await lineOf({ asset: null, delivery: null, tool: null, justification: null })
    const cells = line.trim().split(',')
    for (const name of ['asset_symbol', 'delivery_status', 'tool']) expect(cells[names.indexOf(name)]).toBe('')
  })
})

async function* toAsync(chunks: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* chunks
}

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const item of items) all.push(item)
  return all
}
