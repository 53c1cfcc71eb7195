import { describe, expect, it } from 'vitest'
import { createPhases } from '../../src/payment/deps.ts'
import { createTelemetry } from '../../src/telemetry/telemetry.ts'
import { testClock } from '../clock.ts'

function phases() {
  const clock = testClock()
  const took: [string, number][] = []
  const events = { ...createTelemetry({ level: 'silent' }).events, phaseTook: (phase: string, ms: number) => void took.push([phase, ms]) }
  return { clock, took, ...createPhases(clock, events) }
}

describe('the phases of a payment', () => {
  it('are timed to their end, also when they are asynchronous', async () => {
    const { clock, took, time } = phases()
    const step = () => {
      clock.advance(2)
      return 'value'
    }
    expect(time('quote', step)).toBe('value')
    await time('retry', async () => {
      await Promise.resolve()
      clock.advance(5)
    })
    expect(took).toEqual([
      ['quote', 2],
      ['retry', 5],
    ])
  })

  it('are timed when they fail, and the fault passes through', async () => {
    const { took, time } = phases()
    const fail = () => {
      throw new Error('no')
    }
    expect(() => time('quote', fail)).toThrow('no')
    await expect(time('sign', () => Promise.reject(new Error('later')))).rejects.toThrow('later')
    expect(took.map(([phase]) => phase)).toEqual(['quote', 'sign'])
  })
})
