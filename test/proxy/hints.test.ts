import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readHints, readTrace } from '../../src/proxy/hints.ts'

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

  it('reads the chain of agents in its order, without empty links', () => {
    expect(readHints(['purser-on-behalf-of', ' planner , payer,, executor'])).toMatchObject({
      hints: { onBehalfOf: ['planner', 'payer', 'executor'] },
    })
    expect(readHints(['purser-on-behalf-of', ' , '])).toEqual({ kind: 'hints', hints: { payNever: false } })
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
    [['purser-on-behalf-of', Array(11).fill('a').join(',')], 'purser-on-behalf-of names more than 10.'],
    [['purser-on-behalf-of', 'x'.repeat(201)], 'A name in purser-on-behalf-of is longer than 200 characters.'],
    [['purser-on-behalf-of', 'a\u001bb'], 'purser-on-behalf-of contains control characters.'],
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

describe('readTrace', () => {
  const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736'

  it('takes the trace id of a traceparent, of later versions too', () => {
    expect(readTrace(`00-${TRACE}-00f067aa0ba902b7-01`)).toEqual({ trace: TRACE })
    expect(readTrace(`01-${TRACE}-00f067aa0ba902b7-01-more`)).toEqual({ trace: TRACE })
  })

  it.each([
    undefined,
    '',
    'x',
    `ff-${TRACE}-00f067aa0ba902b7-01`,
    `00-${'0'.repeat(32)}-00f067aa0ba902b7-01`,
    `00-${TRACE.toUpperCase()}-1-01`,
  ])('knows nothing of %s', (traceparent) => {
    expect(readTrace(traceparent)).toEqual({})
  })
})
