// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.26;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

/// A stand-in for Coinbase's SpendPermissionManager, for tests: written for the ABI and the periods that its source publishes, since no
/// npm package has the bytecode of the real one. Who approves, revokes and spends is checked as there; signatures are not taken.
contract SpendPermissions {
    struct SpendPermission {
        address account;
        address spender;
        address token;
        uint160 allowance;
        uint48 period;
        uint48 start;
        uint48 end;
        uint256 salt;
        bytes extraData;
    }

    struct PeriodSpend {
        uint48 start;
        uint48 end;
        uint160 spend;
    }

    error InvalidSender(address sender, address expected);
    error UnauthorizedSpendPermission();
    error BeforeSpendPermissionStart(uint48 currentTimestamp, uint48 start);
    error AfterSpendPermissionEnd(uint48 currentTimestamp, uint48 end);
    error ExceededSpendPermission(uint256 value, uint256 allowance);

    mapping(bytes32 hash => bool) private _isApproved;
    mapping(bytes32 hash => bool) private _isRevoked;
    mapping(bytes32 hash => PeriodSpend) private _lastUpdatedPeriod;

    modifier requireSender(address sender) {
        if (msg.sender != sender) revert InvalidSender(msg.sender, sender);
        _;
    }

    function approve(SpendPermission calldata permission) external requireSender(permission.account) returns (bool) {
        bytes32 hash = _hash(permission);
        if (_isRevoked[hash]) return false;
        _isApproved[hash] = true;
        return true;
    }

    function revoke(SpendPermission calldata permission) external requireSender(permission.account) {
        _isRevoked[_hash(permission)] = true;
    }

    function spend(SpendPermission calldata permission, uint160 value) external requireSender(permission.spender) {
        bytes32 hash = _hash(permission);
        if (!_isApproved[hash] || _isRevoked[hash]) revert UnauthorizedSpendPermission();
        PeriodSpend memory current = getCurrentPeriod(permission);
        uint256 total = uint256(value) + current.spend;
        if (total > permission.allowance) revert ExceededSpendPermission(total, permission.allowance);
        current.spend = uint160(total);
        _lastUpdatedPeriod[hash] = current;
        require(IERC20(permission.token).transferFrom(permission.account, permission.spender, value));
    }

    function isApproved(SpendPermission calldata permission) external view returns (bool) {
        return _isApproved[_hash(permission)];
    }

    function isRevoked(SpendPermission calldata permission) external view returns (bool) {
        return _isRevoked[_hash(permission)];
    }

    function getCurrentPeriod(SpendPermission calldata permission) public view returns (PeriodSpend memory) {
        uint48 current = uint48(block.timestamp);
        if (current < permission.start) revert BeforeSpendPermissionStart(current, permission.start);
        if (current >= permission.end) revert AfterSpendPermissionEnd(current, permission.end);
        PeriodSpend memory last = _lastUpdatedPeriod[_hash(permission)];
        if (last.spend != 0 && current < last.end) return last;
        uint48 start = current - (current - permission.start) % permission.period;
        bool overflow = uint256(start) + permission.period > permission.end;
        return PeriodSpend({start: start, end: overflow ? permission.end : start + permission.period, spend: 0});
    }

    function _hash(SpendPermission calldata permission) private view returns (bytes32) {
        return keccak256(abi.encode(block.chainid, address(this), permission));
    }
}
