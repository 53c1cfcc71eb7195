import { createCipheriv, scryptSync } from 'node:crypto'
import fc from 'fast-check'
import { keccak256 } from 'viem'
import { describe, expect, it } from 'vitest'
import { decryptKeystore } from '../../src/wallet/keystore.ts'

/** The vector of the Web3 Secret Storage definition. */
const KEY = '0x7a28b5ba57c53603b0b07b56bba752f7784bf506fa95edc395f5cf6c7514fe9d'
const PASSWORD = 'testpassword'
const PBKDF2 = {
  crypto: {
    cipher: 'aes-128-ctr',
    cipherparams: { iv: '6087dab2f9fdbbfaddc31a909735c1e6' },
    ciphertext: '5318b4d5bcd28de64ee5559e671353e16f075ecae9f99c7a79a38af5f869aa46',
    kdf: 'pbkdf2',
    kdfparams: { c: 262144, dklen: 32, prf: 'hmac-sha256', salt: 'ae3cd4e7013836a3df6bd7241b12db061dbe2c6785853cce422d148a624ce0bd' },
    mac: '517ead924a9d0dc3124507e3393d175ce3ff7c1e96529c6c555ce9e51205e9b2',
  },
  id: '3198bc9c-6672-5ab3-d995-4942343ae5b6',
  version: 3,
}
/** As common wallets write it: scrypt with r = 8. */
function scryptKeystore(n: number) {
  const salt = 'ab0c7876052600dd703518d6fc3fe8984592145b591fc8fb5c6d43190334ba19'
  const derived = scryptSync(PASSWORD, Buffer.from(salt, 'hex'), 32, { N: 4096, r: 8, p: 1 })
  const cipher = createCipheriv('aes-128-ctr', derived.subarray(0, 16), Buffer.alloc(16, 7))
  const ciphertext = cipher.update(KEY.slice(2), 'hex')
  return {
    crypto: {
      cipher: 'aes-128-ctr',
      cipherparams: { iv: '07'.repeat(16) },
      ciphertext: ciphertext.toString('hex'),
      kdf: 'scrypt',
      kdfparams: { dklen: 32, n, r: 8, p: 1, salt },
      mac: keccak256(Buffer.concat([derived.subarray(16), ciphertext])).slice(2),
    },
    version: 3,
  }
}

describe('keystores', () => {
  it('of the definition are read, with pbkdf2', () => {
    expect(decryptKeystore(JSON.stringify(PBKDF2), PASSWORD)).toBe(KEY)
  })

  it('of common wallets are read, with scrypt', () => {
    expect(decryptKeystore(JSON.stringify(scryptKeystore(4096)), PASSWORD)).toBe(KEY)
  })

  it('are not opened with a wrong password, nor without one', () => {
    const cheap = { ...PBKDF2, crypto: { ...PBKDF2.crypto, kdfparams: { ...PBKDF2.crypto.kdfparams, c: 1 } } }
    expect(() => decryptKeystore(JSON.stringify(cheap), 'Canary')).toThrow(/^the password of the wallet keystore is wrong$/)
    expect(() => decryptKeystore(JSON.stringify(cheap), undefined)).toThrow('needs a password')
  })

  it('that ask for boundless work are refused before any is done', () => {
    expect(() => decryptKeystore(JSON.stringify(scryptKeystore(2 ** 30)), PASSWORD)).toThrow('too much memory')
    expect(() => decryptKeystore(JSON.stringify(scryptKeystore(4097)), PASSWORD)).toThrow('scrypt parameters that are not allowed')
    const rounds = { ...PBKDF2, crypto: { ...PBKDF2.crypto, kdfparams: { ...PBKDF2.crypto.kdfparams, c: 1e12 } } }
    expect(() => decryptKeystore(JSON.stringify(rounds), PASSWORD)).toThrow('not one of version 3')
  })

  it('that are none give an error that quotes nothing', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
        expect(() => decryptKeystore(text, PASSWORD)).toThrow(/^the wallet keystore is not one of version 3/)
      }),
    )
  })
})
