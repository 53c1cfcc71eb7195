import { describe, expect, it } from 'vitest'
import { createInFlight } from '../../src/payment/in-flight.ts'

const patient = new AbortController().signal
const waiting = { name: 'weather', signal: patient }

describe('attempts in flight', () => {
  it('an identical request waits until the attempt has ended', async () => {
    const inFlight = createInFlight()
    const { end } = inFlight.begin('pur_1', waiting)
    const waited = inFlight.settled('pur_1', patient)
    end()
    expect(await waited).toBe(true)
  })

  it('nobody waits for a purchase that does not run here', async () => {
    expect(await createInFlight().settled('pur_1', patient)).toBe(false)
  })

  it('a requester that goes away stops waiting', async () => {
    const inFlight = createInFlight()
    inFlight.begin('pur_1', waiting)
    const agent = new AbortController()
    const waited = inFlight.settled('pur_1', agent.signal)
    agent.abort()
    expect(await waited).toBe(false)
  })

  it('a drain waits for every attempt, and ending one twice ends only that one', async () => {
    const inFlight = createInFlight()
    const { end: endFirst } = inFlight.begin('pur_1', waiting)
    const { end: endSecond } = inFlight.begin('pur_2', waiting)
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

  it('R3: who asks what it repeats is waited for too, once its requester has left', async () => {
    const inFlight = createInFlight()
    const agent = new AbortController()
    const looked = inFlight.looking({ name: 'weather', signal: agent.signal })
    expect(await inFlight.joined(waiting)).toBe(false)
    agent.abort()
    const waited = inFlight.joined(waiting).then((any) => (any ? 'joined' : 'nobody'))
    expect(await Promise.race([waited, Promise.resolve('waits')])).toBe('waits')
    const { end } = inFlight.begin('pur_1', { name: 'weather', signal: agent.signal })
    looked()
    await new Promise((resolve) => setImmediate(resolve))
    expect(await Promise.race([waited, Promise.resolve('waits')])).toBe('waits')
    end()
    expect(await waited).toBe('joined')
  })

  it('R3: what its requester has left is waited for by name, what somebody waits for is not', async () => {
    const inFlight = createInFlight()
    inFlight.begin('pur_live', waiting)
    await inFlight.joined(waiting)
    const attempts = [inFlight.begin('pur_1', { name: 'weather', signal: AbortSignal.abort() }), inFlight.begin('pur_2', waiting)] as const
    attempts[1].leave()
    await inFlight.joined({ name: 'other', signal: patient })
    let joined = false
    const waited = inFlight.joined(waiting).then(() => {
      joined = true
    })
    attempts[0].end()
    await new Promise((resolve) => setImmediate(resolve))
    expect(joined).toBe(false)
    attempts[1].end()
    await waited
  })

  it('whoever goes away stops waiting for what others have left', async () => {
    const inFlight = createInFlight()
    inFlight.begin('pur_1', { name: 'weather', signal: AbortSignal.abort() })
    const agent = new AbortController()
    const waited = inFlight.joined({ name: 'weather', signal: agent.signal })
    agent.abort()
    await waited
  })

  it('R16: what stepped aside is not waited for by name; who asks for it by its purchase waits for its end', async () => {
    const inFlight = createInFlight()
    const attempt = inFlight.begin('pur_1', { name: 'weather', signal: AbortSignal.abort() })
    expect(await inFlight.settledAside('pur_1', patient)).toBe(false)
    attempt.stepAside()
    await inFlight.joined(waiting)
    expect(await inFlight.settled('pur_1', patient)).toBe(false)
    const ends = inFlight.settledAside('pur_1', patient)
    const idle = inFlight.idle()
    attempt.end()
    expect(await ends).toBe(true)
    await idle
    attempt.stepAside()
    expect(await inFlight.settledAside('pur_1', patient)).toBe(false)
  })
})
