import { describe, expect, it } from 'vitest'
import { alertEventSchema } from '../../src/alerts/alert-event.ts'
import { EVENT_TYPES, isBookType } from '../../src/event-types.ts'

describe('alerts in their published form', () => {
  it('are all that concerns people, but questions and their answers, which GET /v1/approvals shows', () => {
    const known = alertEventSchema.options.map(({ shape }) => shape.type.value)
    const asked = ['approval.requested', 'approval.decided', 'approval.expired', 'veto.opened']
    expect([...known, ...asked].sort()).toEqual(EVENT_TYPES.filter((type) => !isBookType(type)).toSorted())
  })
})
