"""session.py URL PASSWORD - a whole shopping session with a client that is generated from the document."""

import sys
import time
import uuid

from millrace_client import AuthenticatedClient, Client
from millrace_client.api.accounts import log_in, register
from millrace_client.api.cart import add_cart_item, get_cart
from millrace_client.api.catalogue import get_availability, list_products
from millrace_client.api.orders import get_confirmation, list_orders, place_order
from millrace_client.models import (
    CartItem, Checkout, CheckoutPayment, Confirmation, ExpectedTotal, Login, Order, ProductPage, Registration, Session)
from millrace_client.models.availability_band import AvailabilityBand
from millrace_client.models.list_products_sort import ListProductsSort


def key():
    return str(uuid.uuid4())


def expect(answer, kind):
    assert isinstance(answer, kind), answer
    return answer


def find_product(shop):
    """The dearest of which there are many."""
    page = expect(list_products.sync(client=shop, sort=ListProductsSort("-price"), in_stock=True, limit=100), ProductPage)
    return next(
        item for item in page.items
        if get_availability.sync(item.product_id, client=shop).band == AvailabilityBand.IN_STOCK)


def main(url, password):
    email = f"{uuid.uuid4()}@shop.example"
    with Client(base_url=url) as shop:
        register.sync(client=shop, body=Registration(email=email, password=password), idempotency_key=key())
        session = expect(log_in.sync(client=shop, body=Login(email=email, password=password)), Session)
        product = find_product(shop)
    with AuthenticatedClient(base_url=url, token=session.access_token) as shop:
        added = add_cart_item.sync_detailed(
            client=shop, body=CartItem(product_id=product.product_id, quantity=2), idempotency_key=key())
        cart = get_cart.sync(client=shop, consistency_token=added.headers["Consistency-Token"])
        total = cart.totals.items
        order = expect(place_order.sync(
            client=shop, idempotency_key=key(), prefer="wait=10",
            body=Checkout(expected_total=ExpectedTotal(amount_minor=total.amount_minor, currency=total.currency),
                          payment=CheckoutPayment(method_token="pm_approve"))), Order)
        for _ in range(100):
            confirmation = get_confirmation.sync(order.order_id, client=shop)
            if isinstance(confirmation, Confirmation):
                break
            time.sleep(0.1)
        expect(confirmation, Confirmation)
        assert [o.order_id for o in list_orders.sync(client=shop).items] == [order.order_id]
        print(f"confirmed {confirmation.confirmation_no}")


main(*sys.argv[1:])
