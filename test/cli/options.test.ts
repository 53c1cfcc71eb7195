import { InvalidArgumentError } from 'commander'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  addFilters,
  amountFlag,
  amountsFlag,
  command,
  countFlag,
  durationFlag,
  group,
  labelsFlag,
  listFlag,
  queryOf,
  refillFlag,
  windowsFlag,
} from '../../src/cli/options.ts'

describe('options', () => {
  it('every command knows --json and --config', () => {
    expect(command('x', 'y').options.map(({ long }) => long)).toEqual(['--json', '--config'])
  })

  it('a group holds its commands', () => {
    expect(group('g', [command('a', ''), command('b', '')]).commands.map((child) => child.name())).toEqual(['a', 'b'])
  })

  it('filters say what they take', () => {
    const list = addFilters(command('list', ''), ['session', 'since', 'until', 'onBehalfOf', 'trace'])
    expect(list.options.slice(2).map(({ flags, description }) => [flags, description])).toEqual([
      ['--session <session>', 'only of this session'],
      ['--since <time>', expect.stringMatching(/^from this time on/)],
      ['--until <time>', 'before this time'],
      ['--on-behalf-of <name>', expect.stringContaining('Purser-On-Behalf-Of')],
      ['--trace <id>', expect.stringContaining('traceparent')],
    ])
  })

  it('keeps an amount as it was written', () => {
    expect(amountFlag('10.00')).toBe('10.00')
  })

  it('reads a refill as an amount and a rhythm', () => {
    expect(refillFlag('0.50/1h')).toEqual({ amount: '0.50', every: '1h' })
    expect(() => refillFlag('0.50')).toThrow(InvalidArgumentError)
  })

  it('whatever text comes, a flag is read or refused as wrong usage, never anything else', () => {
    const flags = [
      amountFlag,
      durationFlag,
      countFlag,
      (text: string) => amountsFlag(text, undefined),
      (text: string) => labelsFlag(text, undefined),
      (text: string) => windowsFlag(text, undefined),
      refillFlag,
    ]
    fc.assert(
      fc.property(fc.string(), fc.constantFrom(...flags), (text, flag) => {
        try {
          flag(text)
        } catch (error) {
          expect(error).toBeInstanceOf(InvalidArgumentError)
        }
      }),
    )
  })

  it.each(['-1', '1e3', '', '1,5', '0x1', '1.0000001', 'NaN'])('%j is no amount', (text) => {
    expect(() => amountFlag(text)).toThrow(InvalidArgumentError)
  })

  it.each(['10', '1.5h', 'h', '1 h', '-1h', '', '1y'])('%j is no span of time', (text) => {
    expect(() => durationFlag(text)).toThrow(/30s, 10m, 1h or 7d|unit is missing/)
  })

  it('zero payments are zero, not unlimited', () => {
    expect(countFlag('0')).toBe(0)
  })

  it('collects what may be repeated', () => {
    expect(amountsFlag('b=2', amountsFlag('*=1', undefined))).toEqual({ '*': '1', b: '2' })
    expect(labelsFlag('a=', undefined)).toEqual({ a: '' })
    expect(listFlag('b', listFlag('a', undefined))).toEqual(['a', 'b'])
    expect(windowsFlag('5.00/10m', undefined)).toEqual([{ max: '5.00', per: '10m' }])
  })

  it('names of prototypes are names like any other', () => {
    expect(Object.hasOwn(amountsFlag('__proto__=1', undefined), '__proto__')).toBe(true)
  })

  it('leaves absent flags out of a query and escapes the rest', () => {
    expect(queryOf({ session: 'a&b', state: undefined, limit: 5 })).toBe('?session=a%26b&limit=5')
    expect(queryOf({ state: undefined })).toBe('')
  })
})
