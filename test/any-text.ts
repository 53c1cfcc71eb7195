/** Text as strangers may send it, for tests that draw their inputs. */
import fc from 'fast-check'

const SURROGATES = { from: 0xd800, count: 0x800 }

/** Every code point of Unicode. fast-check's own `binary` has the same, and takes two seconds to list them. */
const codePoint = fc
  .nat(0x10_ffff - SURROGATES.count)
  .map((drawn) => String.fromCodePoint(drawn < SURROGATES.from ? drawn : drawn + SURROGATES.count))

export function anyText({ maxLength }: { readonly maxLength?: number } = {}): fc.Arbitrary<string> {
  return fc.string({ unit: codePoint, ...(maxLength === undefined ? {} : { maxLength }) })
}
