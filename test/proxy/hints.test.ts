import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readHints } from '../../src/proxy/hints.ts'

describe('hints', () => {
  it('reads what the agent says about its request', () => {
    const headers = [
      'purser-task',
      't1',
      'purser-tool',
      'web_search',
      'purser-user',
      'u',
      'purser-justification',
      'because',
      'purser-max-amount',
      '0.05',
      'purser-pay',
      'never',
    ]
    expect(readHints(headers)).toEqual({
      kind: 'hints',
      hints: { task: 't1', tool: 'web_search', user: 'u', justification: 'because', maxAmount: 50_000n, payNever: true },
    })
  })

  it('no hints mean no ceiling of the request’s own, and paying is not ruled out', () => {
    expect(readHints([])).toEqual({ kind: 'hints', hints: { payNever: false } })
    expect(readHints(['purser-session', 'x', 'purser-task', ''])).toEqual({ kind: 'hints', hints: { payNever: false } })
  })

  it('zero is a ceiling', () => {
    expect(readHints(['purser-max-amount', '0'])).toMatchObject({ hints: { maxAmount: 0n } })
  })

  it('reads UTF-8 as it was meant, and Latin-1 as it came', () => {
    expect(readHints(['purser-task', Buffer.from('Käse').toString('latin1')])).toMatchObject({ hints: { task: 'Käse' } })
    expect(readHints(['purser-task', 'K\xe4se'])).toMatchObject({ hints: { task: 'Käse' } })
  })

  it.each([
    [['purser-max-amount', '1e3'], 'Purser-Max-Amount is not an amount; write it like 0.05.'],
    [['purser-max-amount', '-1'], 'Purser-Max-Amount is not an amount; write it like 0.05.'],
    [['purser-max-amount', ''], 'Purser-Max-Amount is not an amount; write it like 0.05.'],
    [['purser-pay', 'always'], 'Purser-Pay knows one value: never.'],
    [['purser-pay', 'Never'], 'Purser-Pay knows one value: never.'],
    [['purser-tool', 'a', 'purser-tool', 'b'], 'purser-tool was sent more than once.'],
    [['purser-task', 'x'.repeat(1001)], 'purser-task is longer than 1000 characters.'],
    [['purser-task', 'a\u001bb'], 'purser-task contains control characters.'],
  ])('%j is refused: %s', (headers, detail) => {
    expect(readHints(headers)).toEqual({ kind: 'fault', code: 'request_invalid', detail })
  })

  it('whatever it reads is a fault or bounded hints', () => {
    const name = fc.constantFrom('purser-task', 'purser-max-amount', 'purser-pay', '__proto__', 'constructor', 'purser-other')
    fc.assert(
      fc.property(fc.array(fc.tuple(name, fc.string({ maxLength: 1200 })), { maxLength: 4 }), (headers) => {
        const read = readHints(headers.flat())
        if (read.kind === 'hints') expect(read.hints.task?.length ?? 0).toBeLessThanOrEqual(1000)
        else expect(read.code).toBe('request_invalid')
      }),
    )
  })
})
