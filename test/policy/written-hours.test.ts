import { describe, expect, it } from 'vitest'
import { hoursSchema } from '../../src/policy/written-hours.ts'
import { issuesOf } from '../../src/session/issues.ts'

const issues = (value: unknown) => {
  const parsed = hoursSchema.safeParse(value)
  return parsed.success ? [] : issuesOf(parsed.error).map(({ message }) => message)
}

describe('hoursSchema', () => {
  const OFFICE = 'Mon,Tue,Wed,Thu,Fri 08:00-18:00 Europe/Berlin'

  it.each([
    ['Mon-Fri 08:00-18:00 Europe/Berlin'],
    [['Mon-Fri 08:00-18:00 Europe/Berlin']],
    [{ days: 'Mon-Fri', from: '08:00', to: '18:00', timezone: 'Europe/Berlin' }],
    [[{ days: ['Mon', 'Tue', 'Wed', 'Thu', 'Fri'], from: '08:00', to: '18:00', timezone: 'Europe/Berlin' }]],
    [[OFFICE]],
  ])('%j is read as a list of texts that reads as itself', (written) => {
    expect(hoursSchema.parse(written)).toEqual([OFFICE])
  })

  it('a map without days is every day', () => {
    expect(hoursSchema.parse({ from: '08:00', to: '18:00', timezone: 'UTC' })).toEqual(['08:00-18:00 UTC'])
  })

  it('says what is wrong with what was written', () => {
    expect(issues('Mon 08:00-18:00 Berlin')).toEqual(['Berlin is no time zone: write UTC or a name like Europe/Berlin'])
    expect(issues(9)).toEqual(['write hours like "Mon-Fri 08:00-18:00 Europe/Berlin"'])
    expect(issues(Array.from({ length: 15 }, () => OFFICE))).toContain('at most 14 spans')
  })
})
