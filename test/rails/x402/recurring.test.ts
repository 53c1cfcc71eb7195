import { describe, expect, it } from 'vitest'
import { recurring } from '../../../src/rails/x402/recurring.ts'
import { bytes, challengeOf, ENTRY_V1, ENTRY_V2, headOf, PLAIN_HEAD, REQUIRED_V1, REQUIRED_V2, RESOURCE, rail } from './challenges.ts'

const two = (changes: object = {}) => challengeOf(rail.detect(headOf({ ...REQUIRED_V2, ...changes }), undefined))
const one = (changes: object = {}) => challengeOf(rail.detect(PLAIN_HEAD, bytes({ ...REQUIRED_V1, ...changes })))
const textOf = (challenge: ReturnType<typeof two>) => recurring(challenge).text

describe('what of a challenge holds for every request of its route', () => {
  it('is all but the resource, which names the request', () => {
    const other = two({ resource: { ...RESOURCE, url: 'https://api.example.com/other' } })
    expect(textOf(other)).toBe(textOf(two()))
    expect(recurring(other).challenge).toEqual({ ...other, echo: '{"extensions":{}}' })
    expect(recurring(two({ resource: undefined, extensions: undefined })).challenge.echo).toBe('{}')
  })

  it.each([
    ['price', { accepts: [{ ...ENTRY_V2, amount: '10001' }] }],
    ['recipient', { accepts: [{ ...ENTRY_V2, payTo: '0x70997970C51812dc3A010C7d01b50e0d17dc79C8' }] }],
    ['window', { accepts: [{ ...ENTRY_V2, maxTimeoutSeconds: 61 }] }],
    ['memo in the offer', { accepts: [{ ...ENTRY_V2, extra: { ...ENTRY_V2.extra, memo: 'order 7' } }] }],
    ['offer beside it', { accepts: [ENTRY_V2, { ...ENTRY_V2, amount: '1' }] }],
    ['extension that goes back', { extensions: { 'sign-in-with-x': { info: { nonce: '7' } } } }],
  ])('another %s is another challenge', (_name, changes) => {
    expect(textOf(two(changes))).not.toBe(textOf(two()))
  })

  it('version 1 sends nothing back but what was evaluated', () => {
    const other = one({ accepts: [{ ...ENTRY_V1, resource: 'https://api.example.com/other', description: 'Another' }] })
    expect(textOf(other)).toBe(textOf(one()))
    expect(textOf(one({ accepts: [{ ...ENTRY_V1, maxAmountRequired: '10001' }] }))).not.toBe(textOf(one()))
    expect(textOf(one())).not.toBe(textOf(two()))
  })
})
