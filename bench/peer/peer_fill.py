"""One queue, one agent with a token, and so many open tickets; prints the token and the queue's key."""

import os
import sys
from datetime import timedelta

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "peer_settings")

import django

django.setup()

from django.contrib.auth import get_user_model
from django.utils import timezone
from helpdesk.models import Queue, Ticket
from rest_framework.authtoken.models import Token

agent = get_user_model().objects.create_superuser("agent", "agent@example.com", None)
queue = Queue.objects.create(title="heat", slug="heat", escalate_days=1)
now = timezone.now()
Ticket.objects.bulk_create(
    [Ticket(queue=queue, title=f"no heat {number}", description="18", created=now, modified=now, status=Ticket.OPEN_STATUS, priority=3, submitter_email="a@example.com") for number in range(int(sys.argv[1]))],
    batch_size=2000,
)
due = int(sys.argv[2])
Ticket.objects.filter(pk__in=list(Ticket.objects.values_list("pk", flat=True)[:due])).update(created=now - timedelta(days=3))
print(Token.objects.create(user=agent).key, queue.pk)
