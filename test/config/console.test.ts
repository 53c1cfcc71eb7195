import { describe, expect, it } from 'vitest'
import { resolveOidc } from '../../src/config/console.ts'
import { loadConfig } from '../../src/config/load.ts'
import { startSecrets } from '../../src/config/start-secrets.ts'
import { temporaryFolder } from './folder.ts'

const OIDC = 'issuer: "https://login.example", clientId: purser, clientSecret: "env:S"'
const ROLE = '{ claim: groups, value: approvers, role: approver }'

async function load(oidc: string) {
  await using folder = await temporaryFolder()
  return await loadConfig({ file: await folder.write('purser.yaml', `admin: { oidc: ${oidc} }\n`), env: {} })
}

describe('admin.oidc', () => {
  it('is null unless it is written', async () => {
    expect((await loadConfig({ env: {} })).admin.oidc).toBeNull()
  })

  it('names the provider and who gets which role; its secret is read at the start', async () => {
    const config = await load(`{ ${OIDC}, roles: [${ROLE}] }`)
    const { admin } = config
    expect(admin.oidc).toMatchObject({
      ...{ issuer: 'https://login.example', clientId: 'purser', clientSecret: { kind: 'env', name: 'S' } },
      roles: [{ claim: 'groups', value: 'approvers', role: 'approver' }],
    })
    expect(startSecrets(config)).toContainEqual({ kind: 'env', name: 'S' })
    expect(await resolveOidc(admin.oidc, { S: 'canary' })).toMatchObject({ clientSecret: 'canary' })
    expect(await resolveOidc(null, {})).toBeUndefined()
  })

  it.each([
    ['a provider in the clear', `{ ${OIDC.replace('https', 'http')}, roles: [${ROLE}] }`, 'admin.oidc.issuer: write https://'],
    ['no roles', `{ ${OIDC}, roles: [] }`, 'admin.oidc.roles: gives nobody a role: write at least one'],
    ['a role by default', `{ ${OIDC}, roles: [${ROLE}], defaultRole: auditor }`, 'admin.oidc'],
    ['the role of the data folder', `{ ${OIDC}, roles: [{ claim: a, value: b, role: all }] }`, 'admin.oidc.roles[0].role'],
    [
      'a person who is a token',
      `{ ${OIDC}, roles: [{ claim: a, value: b, role: operator, person: tok_1 }] }`,
      'this is the name of a token',
    ],
  ])('refuses %s', async (_, oidc, sentence) => {
    await expect(load(oidc)).rejects.toThrow(sentence)
  })

  it('a secret in the file itself is warned of', async () => {
    const config = await load(`{ ${OIDC.replace('env:S', 'written here')}, roles: [${ROLE}] }`)
    expect(config.warnings).toContain('admin.oidc.clientSecret stands in the configuration itself. Write env:NAME or file:PATH instead.')
  })
})
