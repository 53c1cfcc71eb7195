import { describe, expect, it } from 'vitest'
import { PROOF_CONCURRENCY } from '../../src/limits.ts'
import { RoundNotes } from '../../src/payment/round-notes.ts'

describe('the notes of a round', () => {
  it('begin empty', () => {
    const empty = { takenOver: 0, resolved: [], open: [], refunds: [], unmatched: [], unavailable: [], failures: 0 }
    expect(new RoundNotes().report()).toEqual(empty)
  })

  it('name each network that could not be asked once, with the first reason', () => {
    const notes = new RoundNotes()
    notes.unavailableAt('eip155:1', 'no answer')
    notes.unavailableAt('eip155:1', 'still none')
    notes.unavailableAt(undefined, 'nowhere')
    expect(notes.reasonOf('eip155:1')).toBe('no answer')
    expect([notes.reasonOf('eip155:2'), notes.reasonOf(undefined)]).toEqual([undefined, undefined])
    expect(notes.report().unavailable).toEqual([{ network: 'eip155:1', reason: 'no answer' }])
  })

  it('call a network silent that answers nothing, and no other', () => {
    const notes = new RoundNotes()
    for (let asked = 1; asked < PROOF_CONCURRENCY; asked++) notes.unavailableAt('eip155:1', 'no answer')
    expect(notes.silenceOf('eip155:1')).toBeUndefined()
    notes.unavailableAt('eip155:1', 'no answer')
    expect(notes.silenceOf('eip155:1')).toBe('no answer')
    expect([notes.silenceOf('eip155:2'), notes.silenceOf(undefined)]).toEqual([undefined, undefined])
    notes.answeredBy('eip155:1')
    expect(notes.silenceOf('eip155:1')).toBeUndefined()
  })
})
