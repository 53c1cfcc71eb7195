import { hostname, networkInterfaces } from 'node:os'
import { describe, expect, it } from 'vitest'
import type { Environment } from '../../src/config/environment.ts'
import { loadConfig } from '../../src/config/load.ts'
import { parentSchema, parentsOf, resolveParents } from '../../src/config/parent.ts'
import { temporaryFolder } from './folder.ts'

const OWN = [{ host: '127.0.0.1', port: 4020 }]
const schema = parentSchema('/etc/purser')
const faults = (value: unknown) => schema.safeParse(value).error?.issues.map(({ message }) => message) ?? []
const fromEnvironment = (env: Environment) => parentsOf(undefined, env, OWN)

describe('what is written in proxy.parent', () => {
  it('holds alone, whatever the environment says, and the start tells of it and of what the guard cannot see', () => {
    const written = schema.parse({
      url: 'https://corp.example:3129',
      user: 'purser',
      password: 'env:CORP',
      except: ['*.Intern.example', '10.0.0.0/8'],
    })
    const parents = parentsOf(written, { HTTPS_PROXY: 'http://other:1', NO_PROXY: '*' }, OWN)
    const parent = { host: 'corp.example', port: 3129, secure: true, user: 'purser', password: { kind: 'env', name: 'CORP' } }
    expect(parents).toMatchObject({ http: parent, https: parent, except: ['*.intern.example', '10.0.0.0/8'] })
    expect(parents.notes).toHaveLength(1)
    expect(parents.notes[0]).toMatch(
      /^Upstreams are reached through the parent proxy https:\/\/corp\.example:3129 \(proxy\.parent\), except \*\.intern/,
    )
    expect(parents.notes[0]).toContain('let the parent refuse private addresses')
  })

  it('none is direct, although the environment names one', () => {
    expect(parentsOf(schema.parse('none'), { HTTPS_PROXY: 'http://other:1' }, OWN)).toEqual({
      http: null,
      https: null,
      except: [],
      notes: [],
    })
  })

  it('a password that stands in the file is said to', () => {
    const parents = parentsOf(schema.parse({ url: 'http://corp:3128', user: 'a', password: 'plain' }), {}, OWN)
    expect(parents.notes[1]).toBe('proxy.parent.password stands in the configuration itself. Write env:NAME or file:PATH instead.')
    expect(JSON.stringify(parents)).not.toContain('"plain"')
  })

  it.each([
    [{ url: 'socks5://corp:1080' }, 'write a URL that begins with https:// or http://'],
    [{ url: 'http://a:b@corp:3128' }, 'must not have credentials in it'],
    [{ url: 'http://corp:3128/path' }, 'write host and port only, like http://proxy:3128'],
    [{ url: 'http://corp:3128', password: 'env:CORP' }, 'is missing: a password needs it'],
    [{ url: 'http://corp:3128', user: 'a:b' }, 'must hold no colon'],
    ['all', 'write none, or a map with url, user, password, except'],
  ])('%j is refused with a sentence', (value, message) => {
    expect(faults(value)).toEqual([message])
  })

  it('its password is among what a start needs, and goes out as Basic credentials', async () => {
    await using folder = await temporaryFolder()
    const file = await folder.write('purser.yaml', 'proxy: { parent: { url: "http://corp:3128", user: "pur", password: "env:CORP" } }\n')
    const { proxy, warnings } = await loadConfig({ file, env: {} })
    expect(warnings.join()).toContain('through the parent proxy http://corp:3128')
    await expect(resolveParents(proxy.parents, {})).rejects.toThrow('CORP is not set')
    const { https } = await resolveParents(proxy.parents, { CORP: 'pass' })
    expect(https).toEqual({ host: 'corp', port: 3128, secure: false, authorization: `Basic ${btoa('pur:pass')}` })
  })
})

describe('the environment', () => {
  it('names one proxy for each scheme, small letters first, credentials escaped', async () => {
    const parents = fromEnvironment({
      https_proxy: 'http://u%40corp:p%3A1@corp:3128',
      HTTPS_PROXY: 'http://no:1',
      HTTP_PROXY: 'plain:8080',
    })
    const resolved = await resolveParents(parents, {})
    expect(resolved.https).toEqual({ host: 'corp', port: 3128, secure: false, authorization: `Basic ${btoa('u@corp:p:1')}` })
    expect(resolved.http).toEqual({ host: 'plain', port: 8080, secure: false })
    expect(parents.notes[0]).toContain(
      'http://corp:3128 (https_proxy of the environment) and http://plain:8080 (HTTP_PROXY of the environment)',
    )
    expect(parents.notes.join()).not.toContain('p:1')
  })

  it('NO_PROXY: names with all below them, suffixes, ports, networks, addresses; what means nothing is passed over', () => {
    const { except } = fromEnvironment({
      HTTPS_PROXY: 'http://corp:1',
      NO_PROXY: 'a.example, .b.example:8443 10.0.0.0/8,::1,192.0.2.7,*.c.example,,http://x/',
    })
    expect(except).toEqual([
      'a.example',
      '*.a.example',
      'b.example:8443',
      '*.b.example:8443',
      '10.0.0.0/8',
      '[::1]',
      '192.0.2.7',
      '*.c.example',
    ])
  })

  it.each([
    ['http://ses_1:token@127.0.0.1:4020', /names this Purser itself, so it is not used/],
    ['http://localhost:4020', /names this Purser itself/],
    ['socks5://corp:1080', /names no http:\/\/ or https:\/\/ proxy, so it is not used/],
  ])('%s is not used, and the start says so', (HTTPS_PROXY, note) => {
    const parents = fromEnvironment({ HTTPS_PROXY, HTTP_PROXY: HTTPS_PROXY })
    expect([parents.https, parents.http, parents.notes.length]).toEqual([null, null, 2])
    expect(parents.notes[0]).toMatch(note)
  })

  it('a proxy at an address of this machine is not used where Purser listens everywhere', () => {
    const listeners = [{ host: '0.0.0.0', port: 4020 }]
    const own = Object.values(networkInterfaces()).flatMap((entries) => entries?.map(({ address }) => address) ?? [])
    for (const host of [...own, '0.0.0.0', hostname()]) {
      const HTTPS_PROXY = `http://${host.includes(':') ? `[${host}]` : host}:4020`
      expect(parentsOf(undefined, { HTTPS_PROXY }, listeners).https).toBeNull()
    }
    expect(parentsOf(undefined, { HTTPS_PROXY: 'http://corp.example:4020' }, listeners).https).not.toBeNull()
  })

  it('without these variables every way is direct, and nothing is said', () => {
    expect(fromEnvironment({ NO_PROXY: 'x', ALL_PROXY: 'http://corp:1' })).toEqual({
      http: null,
      https: null,
      except: ['x', '*.x'],
      notes: [],
    })
  })
})
