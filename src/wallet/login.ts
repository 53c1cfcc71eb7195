/** The text of a login by EIP-4361, and what its signature is over. Every part is checked: a line break in one would be another login. */
import { hashMessage, hexToBytes } from 'viem'
import { createSiweMessage } from 'viem/siwe'
import type { Login } from './wallet.ts'

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it keeps out
const CONTROL = /[\u0000-\u001f\u007f\u2028\u2029]/

/**
 * The message as the site rebuilds it.
 * @throws Error where a part is none of its kind: SiweInvalidMessageFieldError, or ours for a control character.
 */
export function loginText({ issuedAt, expirationTime, resources, statement, ...login }: Login): string {
  const texts = [statement ?? '', login.domain, login.uri, ...(resources ?? [])]
  if (texts.some((text) => CONTROL.test(text))) throw new Error('a login holds no control characters')
  return createSiweMessage({
    ...{ ...login, version: '1', issuedAt: new Date(issuedAt) },
    ...(statement !== undefined && { statement }),
    ...(expirationTime !== undefined && { expirationTime: new Date(expirationTime) }),
    ...(resources && { resources: [...resources] }),
  })
}

/** 32 bytes, by EIP-191. */
export function digestLogin(login: Login): Uint8Array {
  return hexToBytes(hashMessage(loginText(login)))
}
