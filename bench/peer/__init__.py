"""django-helpdesk, the widely used ticket system in the same language, beside ours: installed in a virtual environment of its own, on the same PostgreSQL."""
