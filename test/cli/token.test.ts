import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type RunningPurser, runHere, startPurser } from './running-purser.ts'

let purser: RunningPurser
beforeAll(async () => {
  purser = await startPurser()
})
afterAll(() => purser[Symbol.asyncDispose]())

describe('token', () => {
  it('a created token opens what its role may do, until it is revoked', async () => {
    const { id, token } = await purser.json('token', 'create', '--role', 'auditor', '--label', 'books')
    const env = { ...purser.env, PURSER_ADMIN_TOKEN: String(token) }
    expect((await runHere(['session', 'list'], env)).code).toBe(0)
    expect((await runHere(['halt'], env)).code).toBe(1)
    expect((await purser.run('token', 'list')).out).toMatch(new RegExp(`${id} +auditor +- +books +\\S+ +valid`))
    expect(await purser.run('token', 'revoke', String(id))).toMatchObject({ code: 0, out: `Token ${id} opens nothing any more.\n` })
    expect((await runHere(['session', 'list'], env)).code).toBe(1)
    expect((await purser.run('token', 'list')).out).toContain('revoked')
  })

  it('a token can belong to a person, and not to what a token is called', async () => {
    const { out } = await purser.run('token', 'create', '--role', 'approver', '--person', 'alice')
    expect(out).toMatch(/^Person {2}alice$/m)
    expect((await purser.run('token', 'list')).out).toMatch(/ approver +alice +approver /)
    for (const person of ['tok_1', 'admin.token', 'a\nb']) {
      expect(await purser.run('token', 'create', '--role', 'approver', '--person', person)).toMatchObject({ code: 1 })
    }
  })

  it('shows the token once and says so', async () => {
    const { out, err } = await purser.run('token', 'create', '--role', 'operator')
    const token = /^Token +(\S+)$/m.exec(out)?.[1] ?? 'absent'
    expect(err).toContain('shown this once')
    expect((await purser.run('token', 'list', '--json')).out).not.toContain(token)
  })
})
