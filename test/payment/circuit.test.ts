import { describe, expect, it } from 'vitest'
import { type Circuit, createCircuit } from '../../src/payment/circuit.ts'
import { testClock } from '../clock.ts'

const ORIGIN = 'https://api.example.com'
const RULE = { errorRate: 50, minimum: 4, window_ms: 60_000, cooldown_ms: 10_000 }

function rig() {
  const clock = testClock()
  const turns: string[] = []
  const circuit = createCircuit({ rule: RULE, clock, events: { circuitTurned: ({ host, state }) => void turns.push(`${host} ${state}`) } })
  return { clock, turns, circuit }
}

function fail(circuit: Circuit, times: number): void {
  for (let time = 0; time < times; time++) circuit.concluded(ORIGIN, 'failed')
}

describe('the circuit of an origin', () => {
  it('opens when half of its paid requests failed, and says until when', () => {
    const { circuit, clock, turns } = rig()
    circuit.concluded(ORIGIN, 'served')
    circuit.concluded(ORIGIN, 'served')
    fail(circuit, 1)
    expect(circuit.bar(ORIGIN)).toBeUndefined()
    fail(circuit, 1)
    expect(circuit.enter(ORIGIN)).toMatchObject({ code: 'circuit_open', resetsAt: clock.now() + 10_000, retryAfter_s: 10 })
    expect(turns).toEqual(['api.example.com open'])
  })

  it('says nothing before enough requests were paid, nor by what lies behind the window', () => {
    const { circuit, clock } = rig()
    fail(circuit, 3)
    clock.advance(60_001)
    fail(circuit, 3)
    expect(circuit.enter(ORIGIN)).toBeUndefined()
  })

  it('is its own: others are paid on', () => {
    const { circuit } = rig()
    fail(circuit, 4)
    expect(circuit.bar(ORIGIN)).toMatchObject({ code: 'circuit_open' })
    expect(circuit.bar('https://other.example.com')).toBeUndefined()
  })

  it('lets one payment try after the cooldown, and closes when that is served', () => {
    const { circuit, clock, turns } = rig()
    fail(circuit, 4)
    clock.advance(10_000)
    expect(circuit.bar(ORIGIN)).toBeUndefined()
    expect(circuit.enter(ORIGIN)).toBeUndefined()
    expect(circuit.enter(ORIGIN)).toMatchObject({ code: 'circuit_open' })
    circuit.concluded(ORIGIN, 'served')
    expect([circuit.enter(ORIGIN), circuit.enter(ORIGIN)]).toEqual([undefined, undefined])
    expect(turns.map((turn) => turn.split(' ')[1])).toEqual(['open', 'half_open', 'closed'])
  })

  it('opens again when the trial fails', () => {
    const { circuit, clock } = rig()
    fail(circuit, 4)
    clock.advance(10_000)
    circuit.enter(ORIGIN)
    circuit.concluded(ORIGIN, 'failed')
    clock.advance(9_999)
    expect(circuit.enter(ORIGIN)).toMatchObject({ code: 'circuit_open' })
    clock.advance(1)
    expect(circuit.enter(ORIGIN)).toBeUndefined()
  })

  it('gives the trial to another payment where the first one never came to be made', () => {
    const { circuit, clock } = rig()
    fail(circuit, 4)
    clock.advance(10_000)
    circuit.enter(ORIGIN)
    clock.advance(10_000)
    expect(circuit.enter(ORIGIN)).toBeUndefined()
  })

  it('is not closed by what was under way when it opened', () => {
    const { circuit } = rig()
    fail(circuit, 4)
    circuit.concluded(ORIGIN, 'served')
    expect(circuit.enter(ORIGIN)).toMatchObject({ code: 'circuit_open' })
  })

  it('does not exist where the operator turned it off', () => {
    const circuit = createCircuit({ rule: null, clock: testClock(), events: { circuitTurned: () => undefined } })
    fail(circuit, 100)
    expect(circuit.enter(ORIGIN)).toBeUndefined()
  })
})
