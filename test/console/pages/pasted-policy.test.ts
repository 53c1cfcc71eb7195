/** A pasted policy: what is read, what is left, and what is refused. */
import { readFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { readPasted } from '../../../src/console/pages/pasted-policy.ts'
import { startFixture } from '../../admin/fixture.ts'

const TIERS = `- name: small
  conditions: { maxAmount: 1.00, categories: [search], recipientTrust: verified, frequency: { max: 10, per: 1h } }
  approval: none
`
const under = (key: string) => `${key}:\n${TIERS.replaceAll(/^(?=.)/gm, '  ')}`

function read(text: string) {
  const pasted = readPasted(text)
  if (pasted.kind !== 'policy') throw new Error(pasted.why)
  return pasted
}

function why(text: string): string {
  const pasted = readPasted(text)
  return pasted.kind === 'unreadable' ? pasted.why : ''
}

describe('a pasted policy', () => {
  it('is a list of tiers, tiers under their key, or JSON: each the same', () => {
    const list = read(TIERS)
    expect(list.check).toMatchObject({ tiers: [{ name: 'small', approval: 'none' }] })
    expect(read(under('tiers'))).toEqual(list)
    expect(read(JSON.stringify(list.check))).toEqual(list)
  })

  it('of a whole configuration the rules go along, the rest is not sent anywhere', () => {
    const config = `mode: report\nledger: "postgres://user:secret@host/db"\n${under('tiers')}recipients: { verified: [{ host: a.example, payTo: "0x${'1'.repeat(40)}" }] }\n`
    const { simulate, check } = read(config)
    expect(simulate).toMatchObject({ mode: 'report', recipients: { verified: [{ host: 'a.example' }] } })
    expect(Object.keys(simulate).sort()).toEqual(['mode', 'recipients', 'tiers'])
    expect(JSON.stringify([simulate, check])).not.toContain('secret')
  })

  it('lists of blocked addresses in files cannot be judged here, and that is said', () => {
    expect(read(`${under('tiers')}recipients: { blockedFiles: [list.txt] }`)).toMatchObject({
      simulate: { recipients: {} },
      left: ['Lists of blocked addresses are files on the server: those in force are used.'],
    })
  })

  it('the API takes what was read, of the configuration that is delivered too', async () => {
    await using fixture = await startFixture()
    for (const text of [TIERS, await readFile(new URL('../../../config/purser.yaml', import.meta.url), 'utf8')]) {
      const { check, simulate } = read(text)
      const statuses = [
        await fixture.ask('/v1/policy/check', { body: check }),
        await fixture.ask('/v1/policy/simulate', { body: simulate }),
      ].map(({ status }) => status)
      expect(statuses).toEqual([200, 200])
    }
  })

  it.each([
    ['nothing', '  ', 'There is nothing yet'],
    ['no tiers', 'mode: enforce', 'It has no tiers'],
    ['a plain text', 'hello', 'It has no tiers'],
    ['tiers in a file', 'tiers: { file: tiers.yaml }', 'Paste that file'],
    ['a key twice', 'tiers: []\ntiers: []', 'unique'],
    ['broken YAML', 'tiers: [', 'tiers: ['],
    ['too much', 'x'.repeat(200_001), 'longer than'],
  ])('%s is not read, with the reason', (_what, text, reason) => {
    expect(why(text)).toContain(reason)
  })

  it('a bomb of aliases is refused before it grows', () => {
    const bomb = `a: &a [x, x, x, x, x, x, x, x, x, x]\nb: &b [${'*a, '.repeat(10)}]\nc: &c [${'*b, '.repeat(10)}]\nd: &d [${'*c, '.repeat(10)}]\ntiers: [*d, *d, *d]`
    expect(why(bomb)).toContain('alias')
  })
})
