import { describe, expect, it } from 'vitest'
import type { Session } from '../../src/session/session.ts'
import { createSteps } from '../../src/session/steps.ts'
import { session as openSession } from './fixtures.ts'

const bounded = (id: string, requests: number, parent: string | null = null): Session => ({
  ...openSession(),
  ...{ id, parent, limits: { perTask: { requests } } },
})

const nobody = async () => undefined

describe('the steps of a task', () => {
  it('are as many as the session allows, for each task', async () => {
    const steps = createSteps(nobody)
    const session = bounded('ses_1', 2)
    expect([await steps.take(session, 'a'), await steps.take(session, 'a'), await steps.take(session, 'b')]).toEqual([
      undefined,
      undefined,
      undefined,
    ])
    expect(await steps.take(session, 'a')).toMatchObject({
      code: 'step_budget_exceeded',
      detail: 'Session ses_1 allows 2 requests for each task, and task "a" has made them.',
    })
  })

  it('cannot be avoided by naming no task', async () => {
    const steps = createSteps(nobody)
    const session = bounded('ses_1', 1)
    expect(await steps.take(session, undefined)).toBeUndefined()
    expect(await steps.take(session, undefined)).toMatchObject({ detail: expect.stringContaining('name no task') })
  })

  it('count for every ancestor that has a budget, so that children do not multiply them', async () => {
    const parent = bounded('ses_parent', 3)
    const steps = createSteps(async () => parent)
    const [one, other] = [bounded('ses_1', 3, parent.id), bounded('ses_2', 3, parent.id)]
    for (const session of [one, other, one]) expect(await steps.take(session, 'a')).toBeUndefined()
    expect(await steps.take(other, 'a')).toMatchObject({ code: 'step_budget_exceeded', sessionId: 'ses_parent' })
  })

  it('that are refused are not counted anywhere', async () => {
    const parent = bounded('ses_parent', 2)
    const steps = createSteps(async () => parent)
    const child = bounded('ses_1', 1, parent.id)
    for (let time = 0; time < 5; time++) await steps.take(child, 'a')
    expect(await steps.take(bounded('ses_2', 1, parent.id), 'a')).toBeUndefined()
  })

  it('zero is zero, and absent is no bound', async () => {
    const steps = createSteps(nobody)
    expect(await steps.take(bounded('ses_1', 0), 'a')).toMatchObject({ code: 'step_budget_exceeded' })
    expect(await steps.take(openSession(), 'a')).toBeUndefined()
  })
})
