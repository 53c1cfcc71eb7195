import { describe, expect, it } from 'vitest'
import { OTHER_PAY_TO, PAY_TO } from '../fixtures.ts'
import { workbench } from './workbench.ts'

const PLACE = { origin: 'https://api.example.com', network: 'eip155:1' }

function pinning() {
  const { tables, write, db, clock } = workbench()
  const { memory } = tables
  const payment = (payTo: string) => ({ origin: PLACE.origin, terms: { network: PLACE.network, payTo } as never })
  return {
    pending: tables.pending,
    pin: (payTo: string) => write((tx) => memory.pin(tx, payment(payTo))),
    unpin: (payTo: string) => write((tx) => memory.unpin(tx, payment(payTo))),
    pinned: () => memory.pinned(PLACE.origin, PLACE.network),
    stored: () =>
      db
        .prepare('SELECT pay_to, uses FROM pins')
        .all()
        .map((row) => ({ ...row })),
    unwritten: (payTo: string) => memory.pin({ now: clock.now(), afterCommit: () => undefined }, payment(payTo)),
  }
}

describe('a pin', () => {
  it('lasts while a payment rests on it, whatever the case of its address', () => {
    const { pin, unpin, pinned, stored } = pinning()
    pin(PAY_TO)
    pin(PAY_TO.toLowerCase())
    pin(OTHER_PAY_TO)
    expect(stored()).toEqual([{ pay_to: PAY_TO, uses: 2n }])
    unpin(OTHER_PAY_TO)
    unpin(PAY_TO)
    expect(pinned()).toBe(PAY_TO)
    unpin(PAY_TO)
    expect([pinned(), stored()]).toEqual([undefined, []])
    unpin(PAY_TO)
    pin(OTHER_PAY_TO)
    expect(stored()).toEqual([{ pay_to: OTHER_PAY_TO, uses: 1n }])
  })

  it('is seen before it is written, and not after it was taken back', () => {
    const { pending, unwritten, pinned, stored } = pinning()
    pending.keep()
    unwritten(PAY_TO)
    expect([pinned(), stored()]).toEqual([PAY_TO, []])
    pending.takeBack()
    expect(pinned()).toBeUndefined()
  })
})
