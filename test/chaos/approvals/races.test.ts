/**
 * PURSER_INTERLEAVINGS sets how many interleavings are tried (2,000 unless told otherwise; 100,000 take some minutes), and
 * PURSER_SEED where they begin. A failure names its seed.
 */
import { describe, expect, it } from 'vitest'
import { CONTROLS } from './race-controls.ts'
import { MUTATIONS, Races } from './races.ts'

const INTERLEAVINGS = Number.parseInt(process.env.PURSER_INTERLEAVINGS ?? '2000', 10)
const FIRST = Number.parseInt(process.env.PURSER_SEED ?? '1', 10)
const CONTROL_INTERLEAVINGS = 5_000

describe(`everybody at once (${INTERLEAVINGS} interleavings from seed ${FIRST})`, () => {
  it('never pays after a veto, without approval, twice, or for anything but what people saw', { timeout: 3_600_000 }, async () => {
    await using races = await Races.open()
    for (let seed = FIRST; seed < FIRST + INTERLEAVINGS; seed++) {
      expect(await races.violations(seed), `PURSER_INTERLEAVINGS=1 PURSER_SEED=${seed}`).toEqual([])
    }
    if (INTERLEAVINGS >= 100) expect([...races.tally.keys()].sort()).toEqual(['approval paid', 'neither', 'refused', 'veto paid'])
  })

  it.each(Object.entries(CONTROLS))('is caught with %s', { timeout: 120_000 }, async (_, control) => {
    await using races = await Races.open(control)
    const found: string[] = []
    for (let seed = 1; seed <= CONTROL_INTERLEAVINGS && found.length === 0; seed++) found.push(...(await races.violations(seed)))
    expect(found).not.toEqual([])
  })

  it('mutates every field that an approval binds', () => {
    expect(MUTATIONS).toHaveLength(11)
  })
})
