import { DEFAULT_ASSETS } from '@x402/svm'
import { expect, it } from 'vitest'
import { knownMints, MINTS } from '../../../../src/rails/x402/svm/mints.ts'

it('the table of mints is the protocol’s own', () => {
  const theirs = Object.entries(DEFAULT_ASSETS).flatMap(([network, assets]) =>
    (assets ?? []).map(({ asset, symbol, decimals, tokenProgram }) => [network, asset, symbol, decimals, tokenProgram]),
  )
  expect(MINTS).toEqual(theirs)
  expect(knownMints()).toHaveLength(theirs.length)
})
