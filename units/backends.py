"""Who a session belongs to, asked together with everything that a request needs to know of them."""

from django.contrib.auth.backends import ModelBackend

from units import access


class PersonBackend(ModelBackend):
    """Django's own, but that a person comes with their rights, their unit, and the stamps of what is remembered: one statement a request."""

    def get_user(self, user_id):
        user = access.known(user_id)
        return user if user is not None and self.user_can_authenticate(user) else None
