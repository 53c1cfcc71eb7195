// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.26;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";
import {Multicall} from "@openzeppelin/contracts/utils/Multicall.sol";

struct ChannelConfig {
    address payer;
    address payerAuthorizer;
    address receiver;
    address receiverAuthorizer;
    address token;
    uint40 withdrawDelay;
    bytes32 salt;
}

struct Voucher {
    ChannelConfig channel;
    uint128 maxClaimableAmount;
}

struct VoucherClaim {
    Voucher voucher;
    bytes signature;
    uint128 totalClaimed;
}

interface IDepositCollector {
    function collect(address payer, address token, uint256 amount, bytes32 channelId, bytes calldata data) external;
}

interface IReceiveWithAuthorization {
    function receiveWithAuthorization(
        address from,
        address to,
        uint256 value,
        uint256 validAfter,
        uint256 validBefore,
        bytes32 nonce,
        uint8 v,
        bytes32 r,
        bytes32 s
    ) external;
}

/// The escrow of the scheme batch-settlement of x402, for tests: written for the ABI that its npm package publishes, since none has
/// the bytecode of the real one. It guards what a payer relies on, not what an auditor would want.
contract BatchSettlement is EIP712, Multicall {
    struct Escrow {
        uint128 balance;
        uint128 totalClaimed;
    }

    struct Withdrawal {
        uint128 amount;
        uint40 initiatedAt;
    }

    struct Income {
        uint128 totalClaimed;
        uint128 totalSettled;
    }

    bytes32 public constant CHANNEL_CONFIG_TYPEHASH = keccak256(
        "ChannelConfig(address payer,address payerAuthorizer,address receiver,address receiverAuthorizer,address token,uint40 withdrawDelay,bytes32 salt)"
    );
    bytes32 private constant VOUCHER = keccak256("Voucher(bytes32 channelId,uint128 maxClaimableAmount)");
    bytes32 private constant REFUND = keccak256("Refund(bytes32 channelId,uint256 nonce,uint128 amount)");
    bytes32 private constant CLAIM_ENTRY =
        keccak256("ClaimEntry(bytes32 channelId,uint128 maxClaimableAmount,uint128 totalClaimed)");
    bytes32 private constant CLAIM_BATCH = keccak256(
        "ClaimBatch(ClaimEntry[] claims)ClaimEntry(bytes32 channelId,uint128 maxClaimableAmount,uint128 totalClaimed)"
    );

    mapping(bytes32 channelId => Escrow) public channels;
    mapping(bytes32 channelId => Withdrawal) public pendingWithdrawals;
    mapping(bytes32 channelId => uint256) public refundNonce;
    mapping(address receiver => mapping(address token => Income)) public receivers;

    event Deposited(bytes32 indexed channelId, address indexed sender, uint128 amount, uint128 newBalance);
    event Claimed(bytes32 indexed channelId, address indexed sender, uint128 claimAmount, uint128 newTotalClaimed);
    event Settled(address indexed receiver, address indexed token, address indexed sender, uint128 amount);
    event Refunded(bytes32 indexed channelId, address indexed sender, uint128 amount);
    event WithdrawInitiated(bytes32 indexed channelId, uint128 amount, uint40 finalizeAfter);
    event WithdrawFinalized(bytes32 indexed channelId, address indexed sender, uint128 amount);

    constructor() EIP712("x402 Batch Settlement", "1") {}

    function deposit(ChannelConfig calldata config, uint128 amount, address collector, bytes calldata data) external {
        require(config.payer != address(0) && config.receiver != address(0), "channel: no payer or receiver");
        require(config.receiverAuthorizer != address(0) && config.token != address(0), "channel: no authorizer or token");
        require(config.withdrawDelay >= 15 minutes && config.withdrawDelay <= 30 days, "channel: withdraw delay");
        require(amount > 0, "deposit: nothing");
        bytes32 id = getChannelId(config);
        Escrow storage escrow = channels[id];
        escrow.balance += amount;
        uint256 before = IERC20(config.token).balanceOf(address(this));
        IDepositCollector(collector).collect(config.payer, config.token, amount, id, data);
        require(IERC20(config.token).balanceOf(address(this)) == before + amount, "deposit: not what was collected");
        emit Deposited(id, msg.sender, amount, escrow.balance);
    }

    function claim(VoucherClaim[] calldata claims) external {
        require(claims.length > 0, "claim: nothing");
        for (uint256 i = 0; i < claims.length; i++) {
            require(_isReceivers(claims[i].voucher.channel), "claim: not the receiver");
            _claim(claims[i]);
        }
    }

    function claimWithSignature(VoucherClaim[] calldata claims, bytes calldata signature) external {
        require(claims.length > 0, "claim: nothing");
        address authorizer = claims[0].voucher.channel.receiverAuthorizer;
        require(_signed(authorizer, getClaimBatchDigest(claims), signature), "claim: signature");
        for (uint256 i = 0; i < claims.length; i++) {
            require(claims[i].voucher.channel.receiverAuthorizer == authorizer, "claim: several authorizers");
            _claim(claims[i]);
        }
    }

    function settle(address receiver, address token) external {
        Income storage income = receivers[receiver][token];
        uint128 amount = income.totalClaimed - income.totalSettled;
        if (amount == 0) return;
        income.totalSettled = income.totalClaimed;
        _pay(token, receiver, amount);
        emit Settled(receiver, token, msg.sender, amount);
    }

    function initiateWithdraw(ChannelConfig calldata config, uint128 amount) external {
        require(_isPayers(config), "withdraw: not the payer");
        bytes32 id = getChannelId(config);
        require(pendingWithdrawals[id].initiatedAt == 0, "withdraw: already begun");
        require(amount > 0 && amount <= _left(id), "withdraw: amount");
        pendingWithdrawals[id] = Withdrawal(amount, uint40(block.timestamp));
        emit WithdrawInitiated(id, amount, uint40(block.timestamp) + config.withdrawDelay);
    }

    function finalizeWithdraw(ChannelConfig calldata config) external {
        require(_isPayers(config), "withdraw: not the payer");
        bytes32 id = getChannelId(config);
        Withdrawal memory pending = pendingWithdrawals[id];
        require(pending.initiatedAt != 0, "withdraw: not begun");
        require(block.timestamp >= uint256(pending.initiatedAt) + config.withdrawDelay, "withdraw: too early");
        uint128 amount = _least(pending.amount, _left(id));
        delete pendingWithdrawals[id];
        channels[id].balance -= amount;
        emit WithdrawFinalized(id, msg.sender, amount);
        if (amount > 0) _pay(config.token, config.payer, amount);
    }

    function refund(ChannelConfig calldata config, uint128 amount) external {
        require(_isReceivers(config), "refund: not the receiver");
        _refund(config, amount);
    }

    function refundWithSignature(ChannelConfig calldata config, uint128 amount, uint256 nonce, bytes calldata signature)
        external
    {
        bytes32 id = getChannelId(config);
        require(nonce == refundNonce[id], "refund: nonce");
        require(_signed(config.receiverAuthorizer, getRefundDigest(id, nonce, amount), signature), "refund: signature");
        _refund(config, amount);
    }

    function getChannelId(ChannelConfig calldata config) public view returns (bytes32) {
        return _hashTypedDataV4(keccak256(abi.encode(CHANNEL_CONFIG_TYPEHASH, config)));
    }

    function getVoucherDigest(bytes32 channelId, uint128 maxClaimableAmount) public view returns (bytes32) {
        return _hashTypedDataV4(keccak256(abi.encode(VOUCHER, channelId, maxClaimableAmount)));
    }

    function getRefundDigest(bytes32 channelId, uint256 nonce, uint128 amount) public view returns (bytes32) {
        return _hashTypedDataV4(keccak256(abi.encode(REFUND, channelId, nonce, amount)));
    }

    function getClaimBatchDigest(VoucherClaim[] calldata claims) public view returns (bytes32) {
        bytes32[] memory entries = new bytes32[](claims.length);
        for (uint256 i = 0; i < claims.length; i++) {
            bytes32 id = getChannelId(claims[i].voucher.channel);
            uint128 most = claims[i].voucher.maxClaimableAmount;
            entries[i] = keccak256(abi.encode(CLAIM_ENTRY, id, most, claims[i].totalClaimed));
        }
        return _hashTypedDataV4(keccak256(abi.encode(CLAIM_BATCH, keccak256(abi.encodePacked(entries)))));
    }

    function _claim(VoucherClaim calldata row) private {
        ChannelConfig calldata config = row.voucher.channel;
        bytes32 id = getChannelId(config);
        Escrow storage escrow = channels[id];
        require(row.totalClaimed <= row.voucher.maxClaimableAmount, "claim: beyond the voucher");
        require(row.totalClaimed <= escrow.balance, "claim: beyond the deposit");
        if (row.totalClaimed <= escrow.totalClaimed) return;
        address signer = config.payerAuthorizer == address(0) ? config.payer : config.payerAuthorizer;
        require(_signed(signer, getVoucherDigest(id, row.voucher.maxClaimableAmount), row.signature), "claim: voucher");
        uint128 more = row.totalClaimed - escrow.totalClaimed;
        escrow.totalClaimed = row.totalClaimed;
        receivers[config.receiver][config.token].totalClaimed += more;
        emit Claimed(id, msg.sender, more, row.totalClaimed);
    }

    /// What a refund takes is no longer there for a withdrawal.
    function _refund(ChannelConfig calldata config, uint128 wanted) private {
        require(wanted > 0, "refund: nothing");
        bytes32 id = getChannelId(config);
        refundNonce[id] += 1;
        uint128 amount = _least(wanted, _left(id));
        if (amount == 0) return;
        channels[id].balance -= amount;
        Withdrawal storage pending = pendingWithdrawals[id];
        pending.amount = _least(pending.amount, _left(id));
        if (pending.amount == 0) delete pendingWithdrawals[id];
        emit Refunded(id, msg.sender, amount);
        _pay(config.token, config.payer, amount);
    }

    function _left(bytes32 id) private view returns (uint128) {
        return channels[id].balance - channels[id].totalClaimed;
    }

    function _pay(address token, address to, uint128 amount) private {
        require(IERC20(token).transfer(to, amount), "token: no transfer");
    }

    function _signed(address by, bytes32 digest, bytes calldata signature) private view returns (bool) {
        return SignatureChecker.isValidSignatureNowCalldata(by, digest, signature);
    }

    function _isPayers(ChannelConfig calldata config) private view returns (bool) {
        return msg.sender == config.payer || msg.sender == config.payerAuthorizer;
    }

    function _isReceivers(ChannelConfig calldata config) private view returns (bool) {
        return msg.sender == config.receiver || msg.sender == config.receiverAuthorizer;
    }

    function _least(uint128 a, uint128 b) private pure returns (uint128) {
        return a < b ? a : b;
    }
}

/// Brings a deposit by EIP-3009: the payer's signature names this contract, and its nonce the channel.
contract ERC3009DepositCollector is IDepositCollector {
    address private constant ESCROW = 0x4020074e9dF2ce1deE5A9C1b5c3f541D02a10003;

    function collect(address payer, address token, uint256 amount, bytes32 channelId, bytes calldata data) external {
        require(msg.sender == ESCROW, "collector: not the escrow");
        (uint256 validAfter, uint256 validBefore, uint256 salt, bytes memory signature) =
            abi.decode(data, (uint256, uint256, uint256, bytes));
        bytes32 nonce = keccak256(abi.encode(channelId, salt));
        _receive(token, payer, amount, validAfter, validBefore, nonce, signature);
        require(IERC20(token).transfer(ESCROW, amount), "collector: no transfer");
    }

    function _receive(
        address token,
        address payer,
        uint256 amount,
        uint256 validAfter,
        uint256 validBefore,
        bytes32 nonce,
        bytes memory signature
    ) private {
        require(signature.length == 65, "collector: signature");
        bytes32 r;
        bytes32 s;
        uint8 v;
        assembly {
            r := mload(add(signature, 0x20))
            s := mload(add(signature, 0x40))
            v := byte(0, mload(add(signature, 0x60)))
        }
        IReceiveWithAuthorization(token).receiveWithAuthorization(
            payer, address(this), amount, validAfter, validBefore, nonce, v, r, s
        );
    }
}
