import { extractPaymentIdentifier, isValidPaymentId } from '@x402/extensions/payment-identifier'
import { describe, expect, it } from 'vitest'
import { IDENTIFIER, identifierOf, takesIdentifier, withIdentifier } from '../../../../src/rails/x402/extensions/identifier.ts'

describe('the id of a purchase', () => {
  it('is one that the protocol takes, the same each time, and another for another purchase', () => {
    expect(isValidPaymentId(identifierOf('pur_1'))).toBe(true)
    expect(identifierOf('pur_1')).toBe(identifierOf('pur_1'))
    expect(identifierOf('pur_1')).not.toBe(identifierOf('pur_2'))
    expect(identifierOf('pur_1')).not.toContain('pur_1')
  })

  it.each([true, false])('is put beside what the server declared (required: %s)', (required) => {
    const declared = { info: { required, more: 1 }, schema: { type: 'object' } }
    const id = identifierOf('pur_1')
    const extension = JSON.parse(withIdentifier(declared, id) ?? '')
    expect(extension).toEqual({ info: { required, more: 1, id }, schema: { type: 'object' } })
    expect(extractPaymentIdentifier({ extensions: { [IDENTIFIER]: extension } } as never)).toBe(id)
    expect(takesIdentifier(declared)).toBe(true)
  })

  it('is put into nothing that takes none, and not where it breaks the rules', () => {
    for (const extension of [undefined, null, 1, {}, { info: {} }, { info: { required: 'yes' } }]) {
      expect(takesIdentifier(extension)).toBe(false)
      expect(withIdentifier(extension, identifierOf('pur_1'))).toBeUndefined()
    }
    for (const id of [undefined, '', 'short', 'x'.repeat(129), 'has a blank in it!']) {
      expect(withIdentifier({ info: { required: true } }, id)).toBeUndefined()
    }
  })
})
