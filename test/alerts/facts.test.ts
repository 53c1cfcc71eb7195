import { describe, expect, it } from 'vitest'
import { factsSchema } from '../../src/alerts/facts.ts'
import { alertFacts } from '../../src/approval/alert.ts'

describe('facts', () => {
  it('have the form in which alerts leave', () => {
    const facts = alertFacts([['Host', 'api.example.com']])
    expect(factsSchema.parse(facts)).toEqual(facts)
    expect(factsSchema.safeParse([['Host', 'api.example.com']]).success).toBe(false)
  })
})
