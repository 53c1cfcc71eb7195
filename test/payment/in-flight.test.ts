import { describe, expect, it } from 'vitest'
import { createInFlight } from '../../src/payment/in-flight.ts'

const patient = new AbortController().signal

describe('attempts in flight', () => {
  it('an identical request waits until the attempt has ended', async () => {
    const inFlight = createInFlight()
    const end = inFlight.begin('pur_1')
    const waited = inFlight.settled('pur_1', patient)
    end()
    expect(await waited).toBe(true)
  })

  it('nobody waits for a purchase that does not run here', async () => {
    expect(await createInFlight().settled('pur_1', patient)).toBe(false)
  })

  it('a requester that goes away stops waiting', async () => {
    const inFlight = createInFlight()
    inFlight.begin('pur_1')
    const agent = new AbortController()
    const waited = inFlight.settled('pur_1', agent.signal)
    agent.abort()
    expect(await waited).toBe(false)
  })

  it('a drain waits for every attempt, and ending one twice ends only that one', async () => {
    const inFlight = createInFlight()
    const endFirst = inFlight.begin('pur_1')
    const endSecond = inFlight.begin('pur_2')
    let idle = false
    const drained = inFlight.idle().then(() => {
      idle = true
    })
    endFirst()
    endFirst()
    await Promise.resolve()
    expect(idle).toBe(false)
    endSecond()
    await drained
    expect(idle).toBe(true)
  })
})
