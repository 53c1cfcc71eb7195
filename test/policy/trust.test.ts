import { describe, expect, it } from 'vitest'
import { BlockedFiles } from '../../src/config/blocked-files.ts'
import { blockedAddresses, isBlocked, listingsOf, sameAddress, standingOf, type VerifiedRecipient } from '../../src/policy/trust.ts'
import { temporaryFolder } from '../config/folder.ts'
import { ALICE, BOB, NO_PAST } from './fixtures.ts'

const RECIPIENT = { host: 'api.example.com', port: 443, payTo: ALICE }
const LISTED: VerifiedRecipient[] = [{ host: 'api.example.com', payTo: ALICE }]
const UNPINNED: VerifiedRecipient[] = [{ host: '*.example.com' }]

describe('standingOf', () => {
  it('a listing with this very address is verified, whatever the case of its letters, and needs no pin', () => {
    const standing = standingOf({ ...RECIPIENT, payTo: ALICE.toLowerCase() }, LISTED, NO_PAST)
    expect(standing).toEqual({
      trust: 'verified',
      reason: 'api.example.com is listed with this recipient.',
      recipientChanged: false,
      pin: false,
    })
  })

  it('a listing with another address makes the recipient unknown, however often it was paid', () => {
    const standing = standingOf({ ...RECIPIENT, payTo: BOB }, LISTED, { ...NO_PAST, known: true, lastPayTo: BOB })
    expect(standing).toMatchObject({ trust: 'unknown', recipientChanged: true, before: 'verified', pin: false })
    expect(standing.reason).toBe(`api.example.com is listed with another recipient than ${BOB}.`)
  })

  it('a listing without an address is verified and pinned at its first payment', () => {
    expect(standingOf(RECIPIENT, UNPINNED, NO_PAST)).toEqual({
      trust: 'verified',
      reason: 'api.example.com is listed; its recipient is pinned with the first payment.',
      recipientChanged: false,
      pin: true,
    })
  })

  it('the pinned recipient stays verified, every other is unknown', () => {
    expect(standingOf(RECIPIENT, UNPINNED, { ...NO_PAST, pinnedPayTo: ALICE.toLowerCase() })).toMatchObject({
      trust: 'verified',
      pin: true,
    })
    const swapped = standingOf({ ...RECIPIENT, payTo: BOB }, UNPINNED, { ...NO_PAST, pinnedPayTo: ALICE })
    expect(swapped).toMatchObject({ trust: 'unknown', recipientChanged: true, before: 'verified', pin: false })
    expect(swapped.reason).toBe(`api.example.com asks to pay ${BOB}, but its pinned recipient is ${ALICE}.`)
  })

  it('an address that is listed beside an unpinned listing needs no pin', () => {
    expect(standingOf(RECIPIENT, [...UNPINNED, ...LISTED], { ...NO_PAST, pinnedPayTo: BOB })).toMatchObject({
      trust: 'verified',
      pin: false,
    })
  })

  it('a recipient that this agent has paid here is known', () => {
    expect(standingOf(RECIPIENT, [], { ...NO_PAST, known: true, lastPayTo: BOB })).toMatchObject({
      trust: 'known',
      recipientChanged: false,
      pin: false,
    })
  })

  it('another recipient than the one paid before is unknown, with its own reason', () => {
    const standing = standingOf(RECIPIENT, [], { ...NO_PAST, lastPayTo: BOB })
    expect(standing).toMatchObject({ trust: 'unknown', recipientChanged: true, before: 'known' })
    expect(standing.reason).toBe(`api.example.com asks to pay ${ALICE}, but this agent paid ${BOB} there before.`)
  })

  it('a stranger is unknown, and nothing about it has changed', () => {
    const standing = standingOf(RECIPIENT, [], NO_PAST)
    expect(standing).toMatchObject({ trust: 'unknown', recipientChanged: false, pin: false })
    expect(standing).not.toHaveProperty('before')
    expect(standing.reason).toBe('api.example.com is not listed, and this agent has no delivered payment to this recipient there.')
  })
})

describe('listingsOf', () => {
  it('finds every listing of the host, by pattern and port', () => {
    const all = [{ host: 'api.example.com' }, { host: '*.example.com' }, { host: 'api.example.com:8443' }, { host: 'b.example' }]
    expect(listingsOf(RECIPIENT, all)).toEqual(all.slice(0, 2))
  })
})

describe('isBlocked', () => {
  it.each([
    [{ host: '*.example.com' }, true],
    [{ payTo: ALICE.toUpperCase().replace('0X', '0x') }, true],
    [{ host: 'api.example.com', payTo: ALICE }, true],
    [{ host: 'api.example.com', payTo: BOB }, false],
    [{ host: 'b.example', payTo: ALICE }, false],
    [{ host: 'example.com' }, false],
    [{}, false],
  ])('%j: %s', (entry, blocked) => {
    expect(isBlocked(RECIPIENT, [entry])).toBe(blocked)
  })
})

describe('blockedAddresses', () => {
  it('has the same digest for the same addresses, as the lists in files have it', async () => {
    await using folder = await temporaryFolder()
    const [one, two] = [`0x${'1'.repeat(40)}`, `0x${'2'.repeat(40)}`]
    const list = blockedAddresses([two, one, two])
    expect([...list.addresses]).toEqual([one, two])
    const files = await BlockedFiles.open([await folder.write('list.txt', `${one}\n${two}\n`)])
    expect(files.current).toEqual(list)
    expect(blockedAddresses([one]).digest).not.toBe(list.digest)
  })
})

describe('sameAddress', () => {
  it('ignores the case of letters and nothing else', () => {
    expect(sameAddress(ALICE, ALICE.toLowerCase())).toBe(true)
    expect(sameAddress(ALICE, BOB)).toBe(false)
  })

  it('counts every letter of an address in base 58', () => {
    const merchant = '4zMMC9srt5Ri5X14GAgXhaHii3GnPAEERYPJgZJDncDU'
    expect(sameAddress(merchant, merchant)).toBe(true)
    expect(sameAddress(merchant, merchant.toLowerCase())).toBe(false)
    const recipient = { ...RECIPIENT, payTo: merchant }
    expect(isBlocked(recipient, [{ payTo: merchant }])).toBe(true)
    expect(isBlocked(recipient, [{ payTo: merchant.toUpperCase() }])).toBe(false)
  })
})
