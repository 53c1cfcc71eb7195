import { describe, expect, it } from 'vitest'
import { systemClock } from '../../src/clock.ts'
import { createAddressGuard } from '../../src/proxy/address-guard.ts'
import { createUpstream } from '../../src/proxy/upstream.ts'
import { askThrough, hearEvents, startProxy, startUpstream } from './exchange-rig.ts'
import { untilStill } from './still.ts'

const guard = createAddressGuard({ opened: [], ownDoors: () => [] })
const origin = (port: number) => ({ scheme: 'http', host: 'a.example', port }) as const

describe('upstream', () => {
  it('has one lane for each origin', async () => {
    const upstream = createUpstream({ guard, events: hearEvents(), clock: systemClock, ca: [] })
    expect(upstream.lane(origin(80))).toBe(upstream.lane({ ...origin(80) }))
    expect(upstream.lane(origin(81))).not.toBe(upstream.lane(origin(80)))
    expect(upstream.lane({ ...origin(80), scheme: 'https' })).not.toBe(upstream.lane(origin(80)))
    await upstream.close()
  })

  it('keeps a bounded number of lanes: the one that was not used for longest is closed, when nobody uses it', async () => {
    const upstream = createUpstream({ guard, events: hearEvents(), clock: systemClock, ca: [], limits: { origins: 2 } })
    const lanes = [1, 2, 3].map((port) => upstream.lane(origin(port)))
    const [first, second] = lanes
    expect(lanes.map((lane) => lane.pool.closed)).toEqual([true, false, false])
    expect(upstream.lane(origin(1))).not.toBe(first)
    expect(second?.pool.closed).toBe(true)
    const used = upstream.lane(origin(3))
    const done = used.use()
    upstream.lane(origin(4))
    upstream.lane(origin(5))
    expect(used.pool.closed).toBe(false)
    done()
    expect(used.pool.closed).toBe(true)
    await upstream.close()
  })

  it('a request whose lane falls out meanwhile ends in peace', async () => {
    const slow = await startUpstream((_, response) => setImmediate(() => response.end('slow')))
    const fast = await startUpstream((_, response) => response.end('fast'))
    const rig = await startProxy({ limits: { upstream: { origins: 1 } } })
    const answers = await Promise.all([askThrough(rig.port, `${slow.url}/`), askThrough(rig.port, `${fast.url}/`)])
    expect(answers.map(({ text }) => text)).toEqual(['slow', 'fast'])
  })

  it('no more connections than the bound go to one origin; what is beyond waits', async () => {
    let [open, most] = [0, 0]
    const upstream = await startUpstream((_, response) => {
      most = Math.max(most, ++open)
      void untilStill(() => open).then(() => {
        open--
        response.end()
      })
    })
    const rig = await startProxy({ limits: { upstream: { connections: 2 } } })
    const answers = await Promise.all(Array.from({ length: 6 }, () => askThrough(rig.port, `${upstream.url}/`)))
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200, 200])
    expect(most).toBe(2)
  })
})
