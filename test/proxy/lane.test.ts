import { once } from 'node:events'
import { describe, expect, it } from 'vitest'
import { systemClock } from '../../src/clock.ts'
import { createAddressGuard } from '../../src/proxy/address-guard.ts'
import { createTrust } from '../../src/proxy/connection.ts'
import { Lane, type LaneLimits } from '../../src/proxy/lane.ts'
import { hearEvents, startRawUpstream } from './exchange-rig.ts'

const limits: LaneLimits = { connect_ms: 5_000, head_ms: 5_000, idle_ms: 5_000, keepAlive_ms: 5_000, connections: 10, headBytes: 10_000 }

/** A lane to `name.example`, whose address the test decides; `asked` counts how often it was resolved. */
function laneTo(port: number, changes: Partial<LaneLimits> & { opened?: string[] } = {}) {
  const state = { address: '127.0.0.1', asked: 0, answer: (): Promise<void> => Promise.resolve() }
  const guard = createAddressGuard({
    opened: changes.opened ?? ['127.0.0.0/8'],
    ownDoors: () => [],
    resolve: async () => {
      state.asked++
      await state.answer()
      return [{ address: state.address, family: 4 }]
    },
  })
  const events = hearEvents()
  const lane = new Lane(
    { scheme: 'http', host: 'name.example', port },
    { guard, trust: createTrust([]), events, clock: systemClock, limits: { ...limits, ...changes } },
  )
  return { lane, state, events }
}

const closed = async (socket: { destroy(): unknown; destroyed: boolean }) => {
  const ended = once(socket as never, 'close')
  socket.destroy()
  await ended
}

describe('lane', () => {
  it('resolves once for all connections that are open, however the name moves', async () => {
    const upstream = await startRawUpstream(() => undefined)
    const { lane, state, events } = laneTo(upstream.port)
    const [one, two] = await Promise.all([lane.connect(), lane.connect()])
    state.address = '127.0.0.2'
    const three = await lane.connect()
    expect(state.asked).toBe(1)
    expect(lane.opened).toBe(true)
    expect([one, two, three].map((socket) => socket.remoteAddress)).toEqual(['127.0.0.1', '127.0.0.1', '127.0.0.1'])
    expect(events.connections()).toBe(3)
    for (const socket of [one, two, three]) await closed(socket)
    expect(events.connections()).toBe(0)
    expect(lane.opened).toBe(false)
    await lane.connect().catch(() => undefined)
    expect(state.asked).toBe(2)
  })

  it('a pin keeps the address when no connection is left, until it is let go', async () => {
    const upstream = await startRawUpstream(() => undefined)
    const { lane, state } = laneTo(upstream.port)
    const socket = await lane.connect()
    const unpin = lane.pin()
    await closed(socket)
    state.address = '127.0.0.2'
    const again = await lane.connect()
    expect([again.remoteAddress, state.asked, lane.opened]).toEqual(['127.0.0.1', 1, true])
    await closed(again)
    unpin()
    unpin()
    expect(lane.opened).toBe(false)
  })

  it('a refused address is not remembered, and nothing is connected', async () => {
    const upstream = await startRawUpstream(() => undefined)
    const { lane, state, events } = laneTo(upstream.port, { opened: [] })
    await expect(lane.connect()).rejects.toMatchObject({ refusalCode: 'destination_not_allowed' })
    await expect(lane.connect()).rejects.toMatchObject({ refusalCode: 'destination_not_allowed' })
    expect([state.asked, upstream.connections.length, events.connections()]).toEqual([2, 0, 0])
  })

  it('a name that does not resolve is unreachable; one that takes too long is a timeout', async () => {
    const { lane, state } = laneTo(1, { connect_ms: 50 })
    state.answer = () => Promise.reject(new Error('ENOTFOUND'))
    await expect(lane.connect()).rejects.toMatchObject({ refusalCode: 'upstream_unreachable' })
    state.answer = () => new Promise(() => undefined)
    await expect(lane.connect()).rejects.toMatchObject({ refusalCode: 'upstream_timeout' })
  })

  it('a retired lane closes once nobody uses it', async () => {
    const { lane } = laneTo(1)
    const [one, two] = [lane.use(), lane.use()]
    lane.retire()
    one()
    one()
    expect(lane.pool.closed).toBe(false)
    two()
    expect(lane.pool.closed).toBe(true)
  })
})
