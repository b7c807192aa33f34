"""Pub/Sub's REST calls, as the gRPC calls that pstest takes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import grpc
import grpc.aio
from google.protobuf import empty_pb2, json_format
from google.pubsub_v1 import types

from scripts.control_plane.discovery import Method

_PUBLISHER, _SUBSCRIBER = "/google.pubsub.v1.Publisher/", "/google.pubsub.v1.Subscriber/"
_CALLS: Mapping[str, tuple[str, Any, Any, str]] = {
    "topics.create": (f"{_PUBLISHER}CreateTopic", types.Topic, types.Topic, "name"),
    "topics.get": (f"{_PUBLISHER}GetTopic", types.GetTopicRequest, types.Topic, "topic"),
    "topics.delete": (f"{_PUBLISHER}DeleteTopic", types.DeleteTopicRequest, None, "topic"),
    "topics.patch": (f"{_PUBLISHER}UpdateTopic", types.UpdateTopicRequest, types.Topic, ""),
    "topics.list": (
        f"{_PUBLISHER}ListTopics", types.ListTopicsRequest, types.ListTopicsResponse, "project",
    ),
    "subscriptions.create": (
        f"{_SUBSCRIBER}CreateSubscription", types.Subscription, types.Subscription, "name",
    ),
    "subscriptions.get": (
        f"{_SUBSCRIBER}GetSubscription", types.GetSubscriptionRequest, types.Subscription,
        "subscription",
    ),
    "subscriptions.delete": (
        f"{_SUBSCRIBER}DeleteSubscription", types.DeleteSubscriptionRequest, None, "subscription",
    ),
    "subscriptions.patch": (
        f"{_SUBSCRIBER}UpdateSubscription", types.UpdateSubscriptionRequest, types.Subscription, "",
    ),
    "subscriptions.list": (
        f"{_SUBSCRIBER}ListSubscriptions", types.ListSubscriptionsRequest,
        types.ListSubscriptionsResponse, "project",
    ),
}  # fmt: skip
_STATUS = {
    grpc.StatusCode.NOT_FOUND: 404, grpc.StatusCode.ALREADY_EXISTS: 409,
    grpc.StatusCode.INVALID_ARGUMENT: 400, grpc.StatusCode.FAILED_PRECONDITION: 400,
    grpc.StatusCode.UNIMPLEMENTED: 501,
}  # fmt: skip


async def send_to_pstest(
    channel: grpc.aio.Channel, method: Method, name: str, body: Mapping[str, Any]
) -> tuple[int, dict[str, Any]]:
    """Make a call; return the HTTP status and the body that Pub/Sub would answer."""
    short = ".".join(method.name.split(".")[-2:])
    if short not in _CALLS:
        return 501, _error(501, f"pstest is not asked for {method.name}")
    path, request, response, named = _CALLS[short]
    fields = dict(body) | ({named: name} if named else {})
    if not named:
        kind = method.collection.rstrip("s")
        fields = {**fields, kind: {**fields.get(kind, {}), "name": name}}
    try:
        message = json_format.ParseDict(fields, request.pb(request()))
    except json_format.ParseError as error:
        return 400, _error(400, str(error))
    answers = empty_pb2.Empty if response is None else response.pb(response()).__class__
    call = channel.unary_unary(
        path,
        request_serializer=lambda message: message.SerializeToString(),
        response_deserializer=answers.FromString,
    )
    try:
        answer = await call(message)
    except grpc.aio.AioRpcError as error:
        code = _STATUS.get(error.code(), 500)
        return code, _error(code, error.details() or "")
    return 200, json_format.MessageToDict(answer)


def _error(code: int, message: str) -> dict[str, Any]:
    return {"error": {"code": code, "message": message, "status": ""}}
