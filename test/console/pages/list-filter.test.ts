/** Filters: from the address to the API, and nothing else. */
import { describe, expect, it } from 'vitest'
import { EXPORTS, filterIn, localOf, momentOf, PAYMENT_FIELDS, RECEIPT_FIELDS, takenOver } from '../../../src/console/pages/list-filter.ts'
import { startFixture } from '../../admin/fixture.ts'

describe('filters of payments and receipts', () => {
  it('take from the address what they know, and nothing else', () => {
    const place = new URLSearchParams('state=settled&agent=%20buyer%20&tier=&list=receipts&limit=9999')
    expect(filterIn(place, PAYMENT_FIELDS)).toEqual({ state: 'settled', agent: 'buyer' })
  })

  it('what both lists know is taken over, what the other does not know is left', () => {
    const filter = { state: 'settled', agent: 'buyer', task: 't', since: '2026-06-27T14:00:00.000Z' }
    expect(takenOver(filter, RECEIPT_FIELDS)).toEqual({ agent: 'buyer', since: '2026-06-27T14:00:00.000Z' })
    expect(takenOver({ payment: 'pay_1', recipient: 'api.example.com' }, PAYMENT_FIELDS)).toEqual({ recipient: 'api.example.com' })
  })

  it('the API takes each of them, and each way of exporting', async () => {
    await using fixture = await startFixture()
    const example = (name: string, options: readonly string[] | undefined) =>
      ({ since: '2026-06-27T14:00:00.000Z', until: '2026-06-28T14:00:00.000Z', disputed: 'true' })[name] ?? options?.[0] ?? 'x'
    const asked = (path: string, query: Record<string, string>) => fixture.ask(`${path}?${new URLSearchParams(query)}`)
    const refused: string[] = []
    const take = async (path: string, query: Record<string, string>) => {
      const answer = await asked(path, query)
      if (answer.status !== 200) refused.push(`${path} ${JSON.stringify(query)}: ${await answer.text()}`)
    }
    for (const { name, options } of PAYMENT_FIELDS) {
      for (const option of options ?? [undefined]) await take('/v1/payments', { [name]: option ?? example(name, options) })
    }
    for (const { name, options } of RECEIPT_FIELDS) {
      for (const option of options ?? [undefined]) await take('/v1/receipts', { [name]: option ?? example(name, options) })
    }
    for (const { query } of EXPORTS) await take('/v1/receipts', { agent: 'x', ...query })
    expect(refused).toEqual([])
  })

  it('a time in the reader’s own zone is asked for as the same moment, and written back to the minute', () => {
    const local = '2026-06-27T14:03'
    expect(momentOf(local)).toBe(new Date(local).toISOString())
    expect(localOf(momentOf(local) ?? '')).toBe(local)
    expect([momentOf(''), momentOf('soon'), localOf(''), localOf('soon')]).toEqual([undefined, undefined, '', ''])
  })
})
