"""How one gets in. Of the library's pages only those that make sense where an owner makes the users: no sign-up, and no
e-mail, which would want a mail server."""

from __future__ import annotations

from allauth.account import views
from django.urls import include, path

from ops.people import link_page, pages

urlpatterns = [
    path("login/", views.login, name="account_login"),
    path("logout/", views.logout, name="account_logout"),
    path("link/", link_page.login_link, name="login-link"),
    path("inactive/", views.account_inactive, name="account_inactive"),
    path("signup/", views.signup, name="account_signup"),
    path("reauthenticate/", views.reauthenticate, name="account_reauthenticate"),
    path("password/change/", views.password_change, name="account_change_password"),
    path("password/set/", views.password_set, name="account_set_password"),
    path("second-factor/", pages.second_factor, name="second-factor"),
    path("2fa/", include("allauth.mfa.urls")),
    path("sessions/", include("allauth.usersessions.urls")),
]
