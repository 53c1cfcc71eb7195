import { describe, expect, it } from 'vitest'
import { barAtDoor, type Knock } from '../../src/admin/doorway.ts'

const KNOCK: Knock = { authority: '127.0.0.1:4021', arrivedAt: '127.0.0.1', site: undefined, origin: undefined }

const codeOf = (knock: Partial<Knock>, linked = false) => barAtDoor({ ...KNOCK, ...knock }, new Set(['purser.example']), linked)?.code

describe('doorway', () => {
  it.each([
    { authority: 'localhost:4021' },
    { authority: '[::1]:4021' },
    { authority: 'PURSER.example:4021' },
    { authority: '10.0.0.7:4021', arrivedAt: '::ffff:10.0.0.7' },
    { origin: 'http://127.0.0.1:4021', site: 'same-origin' },
    { site: 'none' },
  ])('opens to whoever means this listener: %j', (knock) => {
    expect(codeOf(knock)).toBeUndefined()
  })

  it.each([
    { authority: 'evil.example' },
    { authority: '' },
    { authority: 'x@127.0.0.1' },
    { authority: '10.0.0.7', arrivedAt: '10.0.0.8' },
  ])('a name that is not its own is a rebound one, linked to or not: %j', (knock) => {
    expect([codeOf(knock), codeOf(knock, true)]).toEqual(['host_mismatch', 'host_mismatch'])
  })

  it.each([{ site: 'cross-site' }, { site: 'same-site' }, { origin: 'null' }, { origin: 'http://127.0.0.1:3000' }])(
    'a page of another site opens only what may be linked to: %j',
    (knock) => {
      expect([codeOf(knock), codeOf(knock, true)]).toEqual(['forbidden', undefined])
    },
  )
})
