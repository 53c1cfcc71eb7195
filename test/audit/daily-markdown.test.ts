import { describe, expect, it } from 'vitest'
import { dailyMarkdown } from '../../src/audit/daily-markdown.ts'
import { payment, signed } from './daily-fixture.ts'

const BUSY = [
  payment({ costCentre: 'R-12', refunded: 5_000n }),
  payment({ costCentre: 'R-12', agent: 'buyer', terms: { amount: 1_500_000n, currency: 'USD' } }),
  payment({ agent: 'buyer', state: 'expired', terms: { amount: 2_000_000n, currency: 'EUR' } }),
  payment({ state: 'unknown', host: 'data.example.com:8443' }),
  payment({ state: 'void' }),
  payment({ state: 'denied', code: 'no_tier_matches', tier: '', terms: null, count: 3 }),
]

/** The rows of one table, without its head. */
function rowsUnder(heading: string, page: string): string[] {
  const [, part = ''] = page.split(`## ${heading}\n\n`)
  return (part.split('\n\n')[0] ?? '').split('\n').slice(2)
}

describe('a daily report in Markdown', () => {
  const page = dailyMarkdown(signed(BUSY))

  it('begins with the day, whether it is closed, and its totals with what each means for the books', () => {
    expect(page).toMatch(/^# Report of 2026-06-27\n\nThe day is not closed: it goes on, or payments of it are open\. Made at/)
    expect(rowsUnder('Totals', page)).toEqual([
      '| spent: settled | 2 | 1.52 USD |',
      '| held: not certain yet | 1 | 0.02 USD |',
      '| spent: expired without proof | 1 | 2.00 EUR |',
      '| freed: void, nothing was paid | 1 | 0.02 USD |',
      '| refused: attempts | 3 | – |',
    ])
  })

  it('adds up per agent, cost centre, recipient and tier, the most spent first; each table has all of the day', () => {
    expect(rowsUnder('Per agent', page)).toEqual([
      '| buyer | 2 | 2.00 EUR, 1.50 USD | – | – | – | – |',
      '| researcher | 2 | 0.02 USD | 0.005 USD | 0.02 USD | 1 | 3 |',
    ])
    expect(rowsUnder('Per cost centre', page)).toEqual([
      '| *none* | 2 | 2.00 EUR | – | 0.02 USD | 1 | 3 |',
      '| R-12 | 2 | 1.52 USD | 0.005 USD | – | – | – |',
    ])
    expect(rowsUnder('Per recipient', page)).toEqual([
      '| api.example.com | 3 | 2.00 EUR, 1.52 USD | 0.005 USD | – | 1 | 3 |',
      '| data.example.com:8443 | 1 | – | – | 0.02 USD | – | – |',
    ])
    expect(rowsUnder('Per tier', page)).toEqual([
      '| autonomous | 4 | 2.00 EUR, 1.52 USD | 0.005 USD | 0.02 USD | 1 | – |',
      '| *none* | – | – | – | – | – | 3 |',
    ])
  })

  it('has names to the left and numbers to the right', () => {
    expect(page.match(/^\| :-- (\| --: )+\|$/gm)).toHaveLength(5)
  })

  it('says where its proof is: the receipts, the key, and that the JSON is what was signed', () => {
    expect(page).toMatch(
      /Receipts of the day: 2, SHA-256 [0-9a-f]{64}\n- Signed by: [0-9a-f]{64}\. The signature stands in the report’s JSON/,
    )
  })

  it('of a day without payments says so', () => {
    expect(dailyMarkdown(signed([]))).toContain('Nothing was asked for on this day.')
  })

  it('shows the refusal of any price, however many digits it has', () => {
    const huge = { amount: 2n ** 256n, currency: 'USD' }
    expect(dailyMarkdown(signed([payment({ state: 'denied', code: 'no_tier_matches', terms: huge })]))).toContain(
      '| refused: attempts | 1 | 115792089237316195423570985008687907853269984665640564039457584007913129.639936 USD |',
    )
  })
})

describe('a name in Markdown', () => {
  const nameIn = (agent: string) => rowsUnder('Per agent', dailyMarkdown(signed([payment({ agent })]))).join('\n')

  it.each([
    ['a|b', 'a&#124;b'],
    ['<img src=x onerror=alert(1)>', '&#60;img src&#61;x onerror&#61;alert&#40;1&#41;&#62;'],
    ['`code`', '&#96;code&#96;'],
    ['[click](https://evil.example)', '&#91;click&#93;&#40;https&#58;//evil.example&#41;'],
    ['www.evil.example', 'www&#46;evil.example'],
    ['**bold** _it_ ~~no~~', '&#42;&#42;bold&#42;&#42; &#95;it&#95; &#126;&#126;no&#126;&#126;'],
    ['a\\|b', 'a&#92;&#124;b'],
    ['&lt;b&gt; &#124;', '&#38;lt&#59;b&#38;gt&#59; &#38;&#35;124&#59;'],
    ['me@example.com', 'me&#64;example.com'],
    ['one\r\n| two |\u2028three\u0000', 'one &#124; two &#124; three '],
    ['\u202egnp.exe', ' gnp.exe'],
  ])('%j is never markup, nor another line', (name, shown) => {
    expect(nameIn(name)).toBe(`| ${shown} | 1 | 0.02 USD | – | – | – | – |`)
  })

  it('that is plain is shown as it is, in the source too', () => {
    for (const name of ['procurement_agent-2', 'localhost:4021', 'Büro Köln', '日本語']) expect(nameIn(name)).toContain(`| ${name} |`)
  })
})
