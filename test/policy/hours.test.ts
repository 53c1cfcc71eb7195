import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { canonicalHours, HoursError, isWithin, momentIn, opensAt } from '../../src/policy/hours.ts'

const at = (text: string) => Date.parse(text)
const OFFICE = 'Mon-Fri 08:00-18:00 Europe/Berlin'

describe('isWithin', () => {
  it.each([
    ['2026-06-29T05:59:59.999Z', false],
    ['2026-06-29T06:00:00Z', true],
    ['2026-06-29T15:59:59.999Z', true],
    ['2026-06-29T16:00:00Z', false],
    ['2026-06-27T10:00:00Z', false],
    ['2026-01-05T06:59:59Z', false],
    ['2026-01-05T07:00:00Z', true],
  ])('holds from the first to the last moment of the hours on the wall there, summer and winter: %s', (moment, within) => {
    expect(isWithin(OFFICE, at(moment))).toBe(within)
  })

  it('knows the night in which the clocks are put forward, and the one in which they are put back', () => {
    const night = 'Sun 02:00-03:00 Europe/Berlin'
    const hours = (from: string) => [0, 1, 2, 3].map((hour) => isWithin(night, at(from) + hour * 3_600_000))
    expect(hours('2026-03-29T00:30:00+01:00')).toEqual([false, false, false, false])
    expect(hours('2026-10-25T01:30:00+02:00')).toEqual([false, true, true, false])
  })

  it('a span over midnight belongs to the day on which it begins', () => {
    const shift = 'Fri 22:00-06:00 UTC'
    expect(isWithin(shift, at('2026-07-03T21:59:00Z'))).toBe(false)
    expect(isWithin(shift, at('2026-07-03T22:00:00Z'))).toBe(true)
    expect(isWithin(shift, at('2026-07-04T05:59:00Z'))).toBe(true)
    expect(isWithin(shift, at('2026-07-04T06:00:00Z'))).toBe(false)
    expect(isWithin(shift, at('2026-07-03T05:00:00Z'))).toBe(false)
    expect(isWithin('Sun 22:00-06:00 UTC', at('2026-07-06T05:00:00Z'))).toBe(true)
  })

  it('without days it is every day, and 24:00 is the end of one', () => {
    expect(isWithin('00:00-24:00 UTC', at('2026-07-04T23:59:59.999Z'))).toBe(true)
    expect(isWithin('Sat 18:00-24:00 UTC', at('2026-07-05T00:00:00Z'))).toBe(false)
  })
})

describe('canonicalHours', () => {
  it.each([
    ['mon-fri 08:00-18:00 Europe/Berlin', 'Mon,Tue,Wed,Thu,Fri 08:00-18:00 Europe/Berlin'],
    ['Sat-Mon,Wed 22:00-06:00 UTC', 'Mon,Wed,Sat,Sun 22:00-06:00 UTC'],
    ['  Mon-Sun   09:00-17:30   UTC ', '09:00-17:30 UTC'],
    ['Mon,Wed 09:00-24:00 America/New_York', 'Mon,Wed 09:00-24:00 America/New_York'],
  ])('%s is %s, and reads as itself', (text, canonical) => {
    expect(canonicalHours(text)).toBe(canonical)
    expect(canonicalHours(canonical)).toBe(canonical)
  })

  it.each([
    ['9-17', /^write them like "Mon-Fri 08:00-18:00 Europe\/Berlin"$/],
    ['Mon-Fri 08:00-18:00', /write them like/],
    ['Mo-Fr 08:00-18:00 UTC', /"Mo" is no day/],
    ['Mon-Wed-Fri 08:00-18:00 UTC', /is no span of days/],
    ['Mon 25:00-26:00 UTC', /25:00 is no time of day/],
    ['Mon 08:61-09:00 UTC', /08:61 is no time of day/],
    ['Mon 08:00-08:00 UTC', /the whole day is 00:00-24:00/],
    ['Mon 24:00-08:00 UTC', /the whole day is 00:00-24:00/],
    ['Mon 08:00-18:00 Berlin', /Berlin is no time zone/],
  ])('%s is refused, and the message says why', (text, message) => {
    expect(() => canonicalHours(text)).toThrow(HoursError)
    expect(() => canonicalHours(text)).toThrow(message)
  })

  it('lets only its own error out', () => {
    const pieces = fc.array(fc.constantFrom('Mon', '-', 'Fri', ',', ' ', '08:00', '99:99', 'UTC', 'Europe/Berlin', '٣', '\u0000'), {
      maxLength: 9,
    })
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          pieces.map((parts) => parts.join('')),
        ),
        (text) => {
          try {
            isWithin(canonicalHours(text), 0)
          } catch (fault) {
            if (!(fault instanceof HoursError)) throw fault
          }
        },
      ),
    )
  })
})

describe('momentIn', () => {
  it('says what the clock on the wall shows there', () => {
    expect(momentIn(OFFICE, at('2026-06-28T01:12:00Z'))).toBe('Sun 03:12 in Europe/Berlin')
    expect(momentIn('00:00-24:00 Asia/Kathmandu', at('2026-06-28T18:15:00Z'))).toBe('Mon 00:00 in Asia/Kathmandu')
  })
})

describe('opensAt', () => {
  it.each([
    ['2026-06-27T12:00:30Z', OFFICE, '2026-06-29T06:00:00Z'],
    ['2026-06-29T04:00:00Z', OFFICE, '2026-06-29T06:00:00Z'],
    ['2026-06-29T21:00:00Z', '22:00-06:00 UTC', '2026-06-29T22:00:00Z'],
    ['2026-07-01T00:00:00Z', 'Tue 00:00-24:00 UTC', '2026-07-07T00:00:00Z'],
    ['2026-06-29T12:00:01Z', 'Mon 08:00-12:00 UTC', '2026-07-06T08:00:00Z'],
    ['2026-10-24T20:00:00Z', 'Sun 08:00-12:00 Europe/Berlin', '2026-10-25T07:00:00Z'],
    ['2026-03-28T12:00:00Z', '02:30-05:00 Europe/Berlin', '2026-03-29T01:30:00Z'],
  ])('outside of the hours, at %s, says when %s begins', (moment, hours, opening) => {
    expect(opensAt(hours, at(moment))).toBe(at(opening))
  })

  it('is always a moment within the hours, and never a past one', () => {
    const spans = [
      OFFICE,
      '22:00-06:00 UTC',
      '02:30-05:00 Europe/Berlin',
      'Sun 23:00-01:00 America/New_York',
      '01:15-01:45 Australia/Lord_Howe',
    ]
    const moments = fc.integer({ min: at('2026-01-01T00:00:00Z'), max: at('2027-01-01T00:00:00Z') })
    fc.assert(
      fc.property(fc.constantFrom(...spans), moments, (hours, now) => {
        fc.pre(!isWithin(hours, now))
        const opening = opensAt(hours, now) ?? Number.NaN
        expect([opening > now, isWithin(hours, opening)]).toEqual([true, true])
      }),
    )
  })

  it('is unknown where the clocks leave just these hours out', () => {
    expect(opensAt('Sun 02:00-03:00 Europe/Berlin', at('2026-03-26T12:00:00Z'))).toBeUndefined()
  })
})
