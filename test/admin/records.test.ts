import { describe, expect, it } from 'vitest'
import { RECORD_SCHEMAS } from '../../src/audit/formats.ts'
import { policyText } from '../../src/policy/written.ts'
import { FOUR_TIERS, rules } from '../policy/fixtures.ts'
import { type Answer, buy, deny, type Fixture, startFixture } from './fixture.ts'

async function recorded() {
  const fixture = await startFixture()
  await fixture.ledger.announcePolicy('abc', policyText({ mode: 'enforce', tiers: FOUR_TIERS, rules: rules() }))
  const { id: sessionId } = await fixture.open()
  await buy(fixture, { sessionId, amount: 50_000n, tool: 'web_search' })
  await deny(fixture, { sessionId, host: 'other.example' })
  return fixture
}

async function receiptsIn({ ledger }: Fixture): Promise<number> {
  return (await ledger.receipts({}, { limit: 100 })).items.length
}

describe('records', () => {
  it('answer in the format that is asked for', async () => {
    await using fixture = await recorded()
    for (const format of ['simplified', 'standard', 'enhanced'] as const) {
      const { items }: Answer = await (await fixture.ask(`/v1/receipts?record=${format}`)).json()
      expect(items).toHaveLength(await receiptsIn(fixture))
      for (const item of items) expect(RECORD_SCHEMAS[format].parse(item)).toMatchObject({ record: format, audit: 'batch_daily' })
    }
  })

  it('record=tier gives each payment the format of its tier', async () => {
    await using fixture = await recorded()
    const { items }: Answer = await (await fixture.ask('/v1/receipts?record=tier')).json()
    expect(new Set(items.map(({ record }: { record: string }) => record))).toEqual(new Set(['simplified']))
  })

  it.each([
    ['tool=web_search', ['settled']],
    ['recipient=OTHER.example', ['denied']],
    ['recipient=0x2222222222222222222222222222222222222222', ['denied', 'settled']],
    ['tier=autonomous', ['denied', 'settled']],
    ['tier=nothing', []],
  ])('are found by %s', async (query, states) => {
    await using fixture = await recorded()
    const { items }: Answer = await (await fixture.ask(`/v1/receipts?record=simplified&${query}`)).json()
    expect([...new Set(items.map(({ state }: { state: string }) => state))]).toEqual(states)
  })

  it('are exported as JSON lines and as a table, one row for each receipt', async () => {
    await using fixture = await recorded()
    const count = await receiptsIn(fixture)
    const lines = (await (await fixture.ask('/v1/receipts?record=enhanced&format=jsonl')).text()).trimEnd().split('\n')
    expect(lines.map((line) => RECORD_SCHEMAS.enhanced.parse(JSON.parse(line)).policy?.name)).toEqual(
      Array.from({ length: count }, () => 'autonomous'),
    )
    const answer = await fixture.ask('/v1/receipts?record=simplified&format=csv')
    const [head, ...rows] = (await answer.text()).trimEnd().split('\r\n')
    expect(answer.headers.get('content-disposition')).toBe('attachment; filename="records-simplified.csv"')
    expect(rows.length).toBe(count)
    const columns = head?.split(',') ?? []
    expect(columns.slice(0, 6)).toEqual(['record', 'receipt.id', 'receipt.hash', 'receipt.kind', 'receipt.number', 'at'])
    const cells = rows[0]?.split(',') ?? []
    const { items }: Answer = await (await fixture.ask('/v1/receipts?record=simplified&limit=1000')).json()
    const record = items.find(({ receipt }: Answer) => receipt.id === cells[1])
    expect(cells[columns.indexOf('recipient.host')]).toBe(record.recipient.host)
    expect(cells[columns.indexOf('categories')]).toBe(record.categories.join('; '))
  })
})
