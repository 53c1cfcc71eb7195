import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { bar, codeOfSignal, counted, facts, printJson, table, worded } from '../../src/cli/terminal.ts'
import { capturedTerminal } from './captured-terminal.ts'

describe('terminal', () => {
  it('shows lists of texts without brackets, and what has a shape as JSON', () => {
    expect([worded('a'), worded(['a', 'b']), worded({ a: 1 }), worded([{ a: 1 }]), worded(1)]).toEqual([
      'a',
      'a, b',
      '{"a":1}',
      '[{"a":1}]',
      '1',
    ])
  })

  it('aligns columns, numbers to the right, and leaves no blanks at the ends of lines', () => {
    const text = table(
      [{ title: 'WHO' }, { title: 'CAP', align: 'right' }, { title: 'NOTE' }],
      [
        ['a', '$10.00', ''],
        ['longer', '$5.00', 'x'],
      ],
    )
    expect(text).toBe('WHO        CAP  NOTE\na       $10.00\nlonger   $5.00  x')
  })

  it('aligns the values of facts', () => {
    expect(
      facts([
        ['Held', '$0.00'],
        ['Remaining', '$1.00'],
      ]),
    ).toBe('Held       $0.00\nRemaining  $1.00')
  })

  it('one is not many', () => {
    expect([0, 1, 2].map((count) => counted(count, 'receipt'))).toEqual(['0 receipts', '1 receipt', '2 receipts'])
  })

  it('a bar is always 24 cells wide and shows anything above zero', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 10n ** 18n }), fc.bigInt({ min: 0n, max: 10n ** 18n }), (part, whole) => {
        const drawn = bar(part, whole)
        expect([...drawn]).toHaveLength(24)
        expect(drawn.startsWith('█')).toBe(part > 0n && whole > 0n)
      }),
    )
  })

  it('a bar is full only when everything is used', () => {
    expect(bar(999n, 1000n)).not.toBe('█'.repeat(24))
    expect(bar(1000n, 1000n)).toBe('█'.repeat(24))
  })

  it('says of a signal what shells say', () => {
    expect([codeOfSignal('SIGINT'), codeOfSignal('SIGTERM')]).toEqual([130, 143])
  })

  it('prints JSON that reads back', () => {
    const terminal = capturedTerminal()
    printJson(terminal, { cap: '10.00' })
    expect(JSON.parse(terminal.stdout())).toEqual({ cap: '10.00' })
  })
})
