import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { configText } from '../../src/cli/init-text.ts'
import { configSchema } from '../../src/config/schema.ts'

const CHOSEN = {
  hosts: ['*.example.com', 'a.example:8443'],
  category: 'search',
  network: 'base-sepolia',
  rpc: null,
  maxAmount: '0.10',
  cap: '5.00',
}

describe('the configuration that init writes', () => {
  it('is a configuration, with exactly what was chosen in it', () => {
    const config = configSchema('/etc/purser').parse(parse(configText({ ...CHOSEN, rpc: 'http://127.0.0.1:8545/?key=a&b="c"' })))
    expect(config.recipients.verified.map(({ host }) => host)).toEqual(CHOSEN.hosts)
    expect(config.networks[0]).toMatchObject({ id: 'eip155:84532', rpc: 'http://127.0.0.1:8545/?key=a&b="c"' })
    expect(config.proxy).toMatchObject({ authenticate: true, defaultSession: null })
  })

  it('what it leaves in comments is a configuration too', () => {
    const uncommented = configText(CHOSEN)
      .replace(/^ {2}# (authenticate|defaultSession)/gm, '  $1')
      .replace(
        /^# {2}(- name: collaborative\n)((?:# {4}.*\n)+)/m,
        (_, first: string, rest: string) => `  ${first}${rest.replace(/^#/gm, '')}`,
      )
    const config = configSchema('/etc/purser').parse(parse(uncommented))
    expect(config.proxy).toMatchObject({ authenticate: false, defaultSession: { cap: 5_000_000n } })
    expect(config.tiers.map(({ name }) => name)).toEqual(['autonomous', 'prohibited', 'collaborative'])
  })
})
