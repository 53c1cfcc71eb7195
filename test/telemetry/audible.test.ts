import { describe, expect, it } from 'vitest'
import { MAX_EARLY_EVENTS } from '../../src/people-limits.ts'
import { audible, type Listener } from '../../src/telemetry/audible.ts'
import { createTelemetry } from '../../src/telemetry/telemetry.ts'

function stage() {
  const faults: string[] = []
  const plain = createTelemetry({ level: 'silent' }).events
  const turned: string[] = []
  const { events, listen } = audible({
    ...plain,
    circuitTurned: ({ host }) => turned.push(host),
    faulted: (where) => faults.push(where),
  })
  const listener = (circuitTurned: Listener['circuitTurned']): Listener => ({ ...plain, circuitTurned })
  return { events, listen, listener, faults, turned }
}

const OPEN = { host: 'api.example.com', state: 'open' } as const

describe('audible events', () => {
  it('are counted as before, and heard until somebody goes', () => {
    const { events, listen, listener, turned } = stage()
    const heard: string[] = []
    const leave = listen(listener(({ host }) => heard.push(host)))
    events.circuitTurned(OPEN)
    leave()
    events.circuitTurned(OPEN)
    expect([heard, turned]).toEqual([[OPEN.host], [OPEN.host, OPEN.host]])
  })

  it('what happened before anybody listened is heard first, as far as it is kept', () => {
    const { events, listen, listener } = stage()
    for (let n = 0; n <= MAX_EARLY_EVENTS; n += 1) events.circuitTurned({ ...OPEN, host: `${n}` })
    const heard: string[] = []
    listen(listener(({ host }) => heard.push(host)))
    expect([heard.length, heard[0]]).toEqual([MAX_EARLY_EVENTS, '0'])
  })

  it('a listener that fails disturbs nobody, and is told of', () => {
    const { events, listen, listener, faults, turned } = stage()
    listen(
      listener(() => {
        throw new Error('broken')
      }),
    )
    events.circuitTurned(OPEN)
    expect([turned, faults]).toEqual([[OPEN.host], ['telling what happened']])
  })
})
