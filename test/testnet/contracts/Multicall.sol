// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.26;

/// The one function of Multicall3 that the facilitator diagnoses a failed transfer with.
contract Multicall {
    struct Call {
        address target;
        bytes callData;
    }

    struct Outcome {
        bool success;
        bytes returnData;
    }

    function tryAggregate(bool requireSuccess, Call[] calldata calls) external payable returns (Outcome[] memory outcomes) {
        outcomes = new Outcome[](calls.length);
        for (uint256 i = 0; i < calls.length; i++) {
            (bool success, bytes memory returnData) = calls[i].target.call(calls[i].callData);
            require(success || !requireSuccess, "Multicall: a call failed");
            outcomes[i] = Outcome(success, returnData);
        }
    }
}
