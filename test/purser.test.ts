import { expect, it } from 'vitest'
import * as purser from '../src/purser.ts'

it('importers get the app, the library, the configuration and the errors, and nothing else', () => {
  expect(Object.keys(purser).sort()).toEqual(['ConfigError', 'PurserError', 'configure', 'loadConfig', 'startApp'])
})
