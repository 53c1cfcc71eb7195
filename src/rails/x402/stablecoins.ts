/**
 * The dollar stablecoins of the protocol's own table (`DEFAULT_ASSETS` of @x402/evm) that can be paid by EIP-3009, as a
 * table of ours: the package builds its own with all that signs and settles, which every start would load. A test
 * compares the two.
 */
export const STABLECOINS: readonly (readonly [
  network: string,
  /** Checksummed. */
  address: `0x${string}`,
  symbol: string,
  decimals: number,
  eip712Name: string,
  eip712Version: string,
])[] = [
  ['eip155:8453', '0x833589fCD6eDb6E08f4c7C32D4f71b54bdA02913', 'USDC', 6, 'USD Coin', '2'],
  ['eip155:84532', '0x036CbD53842c5426634e7929541eC2318f3dCF7e', 'USDC', 6, 'USDC', '2'],
  ['eip155:1', '0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48', 'USDC', 6, 'USD Coin', '2'],
  ['eip155:43114', '0xB97EF9Ef8734C71904D8002F8b6Bc66Dd9c48a6E', 'USDC', 6, 'USD Coin', '2'],
  ['eip155:143', '0x754704Bc059F8C67012fEd69BC8A327a5aafb603', 'USDC', 6, 'USDC', '2'],
  ['eip155:988', '0x779Ded0c9e1022225f8E0630b35a9b54bE713736', 'USDT0', 6, 'USDT0', '1'],
  ['eip155:2201', '0x78Cf24370174180738C5B8E352B6D14c83a6c9A9', 'USDT0', 6, 'USDT0', '1'],
  ['eip155:137', '0x3c499c542cEF5E3811e1192ce70d8cC03d5c3359', 'USDC', 6, 'USD Coin', '2'],
  ['eip155:42161', '0xaf88d065e77c8cC2239327C5EDb3A432268e5831', 'USDC', 6, 'USD Coin', '2'],
  ['eip155:421614', '0x75faf114eafb1BDbe2F0316DF893fd58CE46AA4d', 'USDC', 6, 'USD Coin', '2'],
  ['eip155:36900', '0x9cb8142aEBBcdc60AF7c97Af897A67A8f3CA71C2', 'USDC.e', 6, 'USDC.e', '2'],
  ['eip155:190415', '0x401eCb1D350407f13ba348573E5630B83638E30D', 'USDC.e', 6, 'Bridged USDC', '2'],
  ['eip155:181228', '0x401eCb1D350407f13ba348573E5630B83638E30D', 'USDC.e', 6, 'Bridged USDC', '2'],
  ['eip155:50', '0xfA2958CB79b0491CC627c1557F441eF849Ca8eb1', 'USDC', 6, 'USDC', '2'],
  ['eip155:51', '0xb5AB69F7bBada22B28e79C8FFAECe55eF1c771D4', 'USDC', 6, 'USDC', '2'],
  ['eip155:14', '0xe7cd86e13AC4309349F30B3435a9d337750fC82D', 'USDT0', 6, 'USD₮0', '1'],
  ['eip155:42220', '0xcebA9300f2b948710d2653dD7B07f33A8B32118C', 'USDC', 6, 'USDC', '2'],
  ['eip155:42220', '0x48065fbBE25f71C9282ddf5e1cD6D6A887483D5e', 'USDT', 6, 'Tether USD', '1'],
  ['eip155:42220', '0xD2ab3C9A02DBBAB236BfEC45D1d755DF4267F771', 'USAT', 6, 'Tether America USD', '1'],
  ['eip155:11142220', '0x01C5C0122039549AD1493B8220cABEdD739BC44E', 'USDC', 6, 'USDC', '2'],
  ['eip155:1329', '0xe15fC38F6D8c56aF07bbCBe3BAf5708A2Bf42392', 'USDC', 6, 'USDC', '2'],
  ['eip155:1328', '0x4fCF1784B31630811181f670Aea7A7bEF803eaED', 'USDC', 6, 'USDC', '2'],
]
