import { describe, expect, it } from 'vitest'
import type { Detected } from '../../../src/rails/rail.ts'
import { createUnderstood } from '../../../src/rails/x402/understood.ts'
import { bytes, challengeOf, headOf, offered, REQUIRED_V2, rail } from './challenges.ts'

/** Counts what is read, and reads a challenge out of everything. */
function counted() {
  const texts: string[] = []
  const understood = createUnderstood((values, body): Detected => {
    texts.push(`${values.join(',')}|${body === undefined ? '-' : Buffer.from(body).toString()}`)
    return { kind: 'challenge', challenge: { ...offered(REQUIRED_V2).challenge, digest: `${texts.length}` } }
  })
  return { understood, texts, digest: (...asked: Parameters<typeof understood.detect>) => challengeOf(understood.detect(...asked)).digest }
}

describe('the same challenge', () => {
  it('is read once, whoever is asked for it', () => {
    const { digest, texts } = counted()
    expect([digest(['a'], bytes('b')), digest(['a'], bytes('b'))]).toEqual(['1', '1'])
    expect(texts).toEqual(['a|b'])
  })

  it('is another one where a byte differs, is missing, or stands elsewhere', () => {
    const { digest } = counted()
    const [b, zero, other] = [bytes('b'), Buffer.from([0x80]), Buffer.from([0x81])]
    const asked = [
      [['a'], b],
      [['a'], undefined],
      [['a'], bytes('')],
      [[], b],
      [[], undefined],
      [[], bytes('a')],
      [[''], undefined],
      [['a b'], undefined],
      [['a body b'], undefined],
      [[], zero],
      [[], other],
    ] as const
    expect(asked.map(([values, body]) => digest(values, body))).toEqual(asked.map((_, at) => `${at + 1}`))
  })

  it('is read again where the header stands twice, or where it is long', () => {
    const { digest } = counted()
    const long = Buffer.alloc(40_000, 0x20)
    const header = 'x'.repeat(40_000)
    const read = [
      ['a', 'a'],
      ['a', 'a'],
    ].map((values) => digest(values, undefined))
    expect(read).toEqual(['1', '2'])
    expect([digest([], long), digest([], long), digest([header], undefined), digest([header], undefined)]).toEqual(['3', '4', '5', '6'])
  })

  it('makes room for others: many that are all different do not pile up', () => {
    const { digest } = counted()
    for (let at = 0; at < 300; at++) digest([`${at} ${'x'.repeat(30_000)}`], undefined)
    expect(digest([`299 ${'x'.repeat(30_000)}`], undefined)).toBe('300')
    expect(digest([`0 ${'x'.repeat(30_000)}`], undefined)).toBe('301')
  })
})

describe('what was read', () => {
  it('can be changed by nobody, so that no session sees another’s change', () => {
    const accepts = [...REQUIRED_V2.accepts, { ...REQUIRED_V2.accepts[0], scheme: 'upto' }]
    const challenge = challengeOf(rail.detect(headOf({ ...REQUIRED_V2, accepts }), undefined))
    const [offer] = challenge.offers
    const parts = [challenge, challenge.offers, challenge.rejected, challenge.rejected[0], offer, offer?.asset, offer?.asset.eip712]
    expect(parts.map((part) => part !== undefined && Object.isFrozen(part))).toEqual(parts.map(() => true))
    expect(challengeOf(rail.detect(headOf({ ...REQUIRED_V2, accepts }), undefined))).toBe(challenge)
  })

  it('is known by itself; a copy of it is not', () => {
    const { understood } = counted()
    const challenge = challengeOf(understood.detect(['a'], undefined))
    expect([understood.holds(challenge), understood.holds({ ...challenge })]).toEqual([true, false])
    expect(counted().understood.holds(challenge)).toBe(false)
  })

  it('stands for its own offers only, with as much of the rest as holds for others', () => {
    const { understood } = counted()
    const challenge = challengeOf(understood.detect(['a'], undefined))
    const part = understood.derived(challenge, { ...challenge, echo: '{}' })
    const other = understood.derived(challenge, { ...challenge, offers: [...challenge.offers] })
    const strange = understood.derived({ ...challenge }, { ...challenge, echo: '{}' })
    expect([part, other, strange].map((one) => [understood.holds(one), Object.isFrozen(one)])).toEqual([
      [true, true],
      [false, false],
      [false, false],
    ])
  })
})
